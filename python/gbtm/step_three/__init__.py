"""What groups lead to and what leads to them, when groups are known with error: estimates and influences."""

"""Networks where the model has a linear predictor: a check whether flexibility predicts new people better."""

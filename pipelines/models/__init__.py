"""One file a model: `build(**params) -> Forecaster`; the file's name is the model's name."""

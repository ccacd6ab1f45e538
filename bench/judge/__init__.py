"""Judge what the product makes of real texts with gold, by folds, beside a plain reference."""

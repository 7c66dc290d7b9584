"""Sources of analyst ratings, beside the curated ones: one module each, all behind `base.RatingSource`."""

"""Sources of analyst ratings, beside the curated ones: one module per vendor, all following `base.RatingSource`."""

"""Daily price sources, one module each, all behind `base.PriceSource`."""

"""One page on one miner and one day, from the marts alone, as known that day.

Belongs here: which facts tell the story (`story`), how they are said (`templates`, `words`) and drawn (`pictures`).
Does not belong here: a figure that a mart or macro gives, and charts that others use as well (`bi.charts`).
"""

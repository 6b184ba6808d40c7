"""Everything a plug-in needs but its host's own calls: requests, session, placement, recipes, launcher."""

"""The stores: archive, facts, id index and registry. The only room that speaks SQL."""

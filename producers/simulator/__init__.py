"""The drill simulator: a seeded synthetic school district whose apps emit xAPI, and the truth about what they sent."""

"""The one conformance suite that every stream step passes, on the real broker and over the real engine.

`step` says what the suite needs to know of a step; each step has a module that tells it; the tests know none of them.
"""

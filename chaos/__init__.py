"""Fault campaigns against the write path: `make chaos`, and in short form the tests of tests/simulation.

A campaign breaks something for real (kills processes, cuts the power, fails the disk) while clients write, and judges what is there
afterwards. Every run prints its seed and the commit and can be run again from them; a run in which no fault fired proves nothing and fails.
"""

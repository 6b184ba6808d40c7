"""An engine process for tests: the real server and worker, with a studio that does what an instruction tells it."""

"""The chat in a simulated world: its mistake is found, played again, and gone when it is fixed.

python3 simulated_chat_test.py FOLDER_OF_THE_BUILT_EXAMPLES
"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

# A program that hangs is a failure.
LIMIT_S = 60

folder = pathlib.Path()


def chat(*arguments, seed=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EDDY_SIM_")}
    if seed is not None:
        environment["EDDY_SIM_SEED"] = seed
    return subprocess.run([folder / "simulated_chat", *arguments], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=LIMIT_S, env=environment)


class SimulatedChat(unittest.TestCase):
    def found(self, done):
        self.assertEqual(done.returncode, 1, done)
        line = (r'both guests are told "welcome": EDDY_SIM_SEED=(\d+) plays it again '
                r'\(evening (\d+), trace ([0-9a-f]{16})\)\n')
        match = re.fullmatch(line, done.stdout)
        self.assertIsNotNone(match, done)
        return match.groups()

    def test_a_seed_shows_the_mistake_and_plays_it_again(self):
        seed, evening, trace = self.found(chat())
        self.assertEqual(seed, evening)
        self.assertEqual(self.found(chat(seed=seed)), (seed, "1", trace))

    def test_the_readme_shows_it(self):
        readme = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
        seed, _, _ = self.found(chat())
        for done in (chat(), chat(seed=seed)):
            self.assertIn(done.stdout, readme)

    def test_the_calm_world_does_not(self):
        done = chat(seed="0")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "1 evenings, and every name was one guest's\n"))

    def test_fixed(self):
        done = chat("--fixed")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "1000 evenings, and every name was one guest's\n", ""))


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

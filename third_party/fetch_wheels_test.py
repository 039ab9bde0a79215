"""The pinned wheels arrive once, whole and checked; what cannot be fetched is named. Uses real pip on a folder of tiny wheels."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

_SCRIPT = pathlib.Path(__file__).parent / "fetch_wheels.py"


class FetchWheelsTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        root = pathlib.Path(scratch.name)
        self.home, self.index, self.lock = root / "home", root / "index", root / "lock.json"
        self.index.mkdir()
        wheel = self.index / "tinydep-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("tinydep/include/tiny.h", "#define TINY 1\n")
            archive.writestr("tinydep/left_out.py", "")
            archive.writestr("tinydep-1.0.dist-info/METADATA",
                             "Metadata-Version: 2.1\nName: tinydep\nVersion: 1.0\n")
            archive.writestr("tinydep-1.0.dist-info/WHEEL",
                             "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr("tinydep-1.0.dist-info/RECORD", "")
        self.digest = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def write_lock(self, **changes):
        wheel = {"package": "tinydep==1.0", "platform": "any", "python": "3.11", "sha256": self.digest,
                 "unpack": {"tinydep/include/": "include/"}} | changes
        self.lock.write_text(json.dumps({"tiny": {"version": "1.0", "wheels": [wheel]}}))

    def fetch(self) -> subprocess.CompletedProcess:
        environment = os.environ | {"INGOT_HOME": str(self.home), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull,
                                    "PIP_FIND_LINKS": str(self.index)}
        return subprocess.run([sys.executable, str(_SCRIPT), str(self.lock), "tiny"],
                              env=environment, capture_output=True, text=True)

    def unpacked(self) -> list[pathlib.Path]:
        folder = self.home / "third_party"
        return [p for p in folder.iterdir() if not p.name.endswith(".lock")] if folder.is_dir() else []

    def test_unpacks_what_the_table_maps_and_nothing_else(self):
        self.write_lock()
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stderr)
        root = pathlib.Path(result.stdout.strip())
        files = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
        self.assertEqual(files, ["include/tiny.h"])

    def test_the_second_time_needs_no_package(self):
        self.write_lock()
        first = self.fetch()
        next(self.index.glob("*.whl")).unlink()
        second = self.fetch()
        self.assertEqual((second.returncode, second.stdout), (0, first.stdout), second.stderr)

    def test_refuses_another_file_than_the_pinned_one(self):
        self.write_lock(sha256="0" * 64)
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("tinydep==1.0", result.stderr)
        self.assertIn(self.digest, result.stderr)
        self.assertEqual(self.unpacked(), [])

    def test_names_the_package_that_cannot_be_had_in_one_line(self):
        self.write_lock(package="tinydep==9.9")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("tinydep==9.9 could not be fetched", result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1)
        self.assertEqual(self.unpacked(), [])

    def test_a_wheel_without_a_mapped_member_leaves_nothing_behind(self):
        self.write_lock(unpack={"tinydep/lib/": "lib/"})
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("has no tinydep/lib/", result.stderr)
        self.assertEqual(self.unpacked(), [])

    def test_processes_that_race_agree_on_one_folder(self):
        self.write_lock()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: self.fetch(), range(4)))
        self.assertEqual([r.returncode for r in results], [0] * 4, results[0].stderr)
        self.assertEqual(len({r.stdout for r in results}), 1)
        self.assertEqual(len(self.unpacked()), 1)


if __name__ == "__main__":
    unittest.main()

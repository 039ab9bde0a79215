"""A worker process: started pinned, asked by lines, stopped between its turns.

    with Worker(["worker", …], cpus={0, 1}, environment=env) as worker:
        description = worker.start(timeout=600)
        times = worker.ask("run 0.2 1", timeout=60)["us"]

Between two questions the process is stopped (SIGSTOP): threads that spin while they wait for work would take a core from the
worker whose turn it is.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import time


class WorkerError(Exception):
    """The worker refused, failed, or took too long; the text is one line."""


class Worker:
    """One worker process; not thread-safe. Leaving the `with` block ends the process, stopped or not."""

    def __init__(self, command, cpus, environment):
        self._command, self._cpus, self._environment = command, cpus, environment
        self._process = None
        self._pending = b""
        self._errors = -1  # the read end of its standard error
        self._last_error = b""

    def __enter__(self):
        self._errors, write = os.pipe()
        cpus = self._cpus
        try:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=write,
                env=self._environment, start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        except OSError as error:
            os.close(self._errors)
            raise WorkerError(f"{self._command[0]}: {error.strerror}") from error
        finally:
            os.close(write)
        return self

    def __exit__(self, *unused):
        if self._process is not None:
            try:
                # Its helpers too: compilers start processes.
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
        os.close(self._errors)

    def start(self, timeout):
        """The worker's description of itself, once it is ready; it is stopped then."""
        return self._answer(timeout)

    def set_realtime(self, is_realtime):
        """Moves all threads of the stopped worker into or out of the real-time class.

        Raises:
          WorkerError: this process may not do that.
        """
        policy, priority = (os.SCHED_RR, 1) if is_realtime else (os.SCHED_OTHER, 0)
        for thread in os.listdir(f"/proc/{self._process.pid}/task"):
            try:
                os.sched_setscheduler(int(thread), policy, os.sched_param(priority))
            except ProcessLookupError:
                pass  # ended meanwhile
            except PermissionError as error:
                raise WorkerError("the real-time class needs CAP_SYS_NICE: leave --realtime out") from error

    def ask(self, line, timeout):
        """Continues the worker, sends a line, returns the answer and stops it again."""
        os.killpg(self._process.pid, signal.SIGCONT)
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise WorkerError(self._end()) from error
        return self._answer(timeout)

    def peak_megabytes(self):
        """The most memory that was resident, in 10^6 bytes."""
        with open(f"/proc/{self._process.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
        return 0.0

    def idle_share(self, seconds):
        """CPU time that it uses while nobody asks, as a part of one CPU, beginning right after its last answer."""
        before = self._cpu_seconds()
        os.killpg(self._process.pid, signal.SIGCONT)
        time.sleep(seconds)
        used = self._cpu_seconds() - before
        os.killpg(self._process.pid, signal.SIGSTOP)
        return used / seconds

    def _cpu_seconds(self):
        with open(f"/proc/{self._process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def waited_seconds(self):
        """How long its threads were ready to run but waited for a CPU, so far; 0 where the kernel doesn't count that."""
        total = 0
        for thread in os.listdir(f"/proc/{self._process.pid}/task"):
            # A thread may end meanwhile.
            with contextlib.suppress(OSError), open(f"/proc/{self._process.pid}/task/{thread}/schedstat",
                                                    encoding="utf-8") as file:
                total += int(file.read().split()[1])
        return total / 1e9

    def _answer(self, timeout):
        line = self._line(time.monotonic() + timeout, timeout)
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise WorkerError(f"the worker wrote {line[:80]!r}, which is no answer") from error
        if "error" in answer:
            raise WorkerError(answer["error"])
        os.killpg(self._process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return answer

    def _line(self, deadline, timeout):
        out = self._process.stdout
        while b"\n" not in self._pending:
            wait = max(0.0, deadline - time.monotonic())
            # Standard error is read along the way, or a talkative worker would block on a full pipe.
            ready, _, _ = select.select([out, self._errors], [], [], wait)
            if not ready:
                raise WorkerError(f"no answer within {timeout:.0f} s")
            if self._errors in ready:
                self._read_errors()
            if out in ready:
                chunk = os.read(out.fileno(), 1 << 20)
                if not chunk:
                    raise WorkerError(self._end())
                self._pending += chunk
            elif self._process.poll() is not None:
                raise WorkerError(self._end())
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="replace")

    def _read_errors(self):
        """Keeps the end of what the worker writes to standard error; how much came."""
        chunk = os.read(self._errors, 1 << 16)
        self._last_error = (self._last_error + chunk)[-4096:]
        return len(chunk)

    def _end(self):
        code = self._process.wait()
        while select.select([self._errors], [], [], 0)[0] and self._read_errors():
            pass
        lines = [line.strip() for line in self._last_error.decode(errors="replace").splitlines() if line.strip()]
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        return f"the worker ended with {how}" + (f": {lines[-1][:200]}" if lines else "")

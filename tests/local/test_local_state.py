"""The state file: what it keeps over restarts, who may have it, and what is refused as one."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from console_caller import Console, lines
from local_caller import Caller
from state_server import COMMAND, StateServer
from support.processes import python

import qianfan.local

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")

PATHS = f"{Path(__file__).parents[1]}{os.pathsep}{Path(__file__).parent}"
SAMPLE = [{"prompt": "Where is the key?", "response": "Under the mat."}]


@pytest.fixture
def file(tmp_path):
    """Return the path of a state file, in a directory of its own."""
    return tmp_path / "state"


@contextlib.contextmanager
def calling(platform):
    """Run a platform and call its console."""
    with platform:
        console = Console(platform)
        try:
            yield console
        finally:
            console.http.clear()


def frozen(file):
    """Return a platform on a file whose clock stands still, so that two looks at it see the same."""
    clock = qianfan.local.Clock(lambda: 1_700_000_000.0)
    return qianfan.local.platform(state=file, clock=clock)


def everything(console):
    """Return all that the console tells, without the port."""
    jobs = console.done("finetuning", "DescribeFineTuningJobs")["jobList"]
    tasks = [
        console.done("finetuning", "DescribeFineTuningTask", taskId=task["taskId"])
        for job in jobs
        for task in console.done("finetuning", "DescribeFineTuningTasks", jobId=job["jobId"])["taskList"]
    ]
    services = console.done("service", "DescribeServices")["serviceList"]
    told = {
        "jobs": jobs,
        "tasks": tasks,
        "models": console.result("modelrepo/model/user/list"),
        "services": [console.result("service/detail", serviceId=it["serviceId"]) for it in services],
        "datasets": console.done("dataset", "DescribeDatasets"),
    }
    return repr(told).replace(console.url, "")


def fill(console):
    """Make something of every kind, in every status; return the uri of a service that answers."""
    dataset = console.dataset()
    published = console.published("done", dataset=dataset)
    for uri in ("svc-done", "svc-deploying"):
        body = console.service(uri, published["modelId"], published["versionId"])
        console.result("service/apply", **body)
        console.platform.advance(seconds=30 if uri == "svc-done" else 0)
    console.job(console.task("stays running"), dataset)
    failing, stopping = console.task("is to fail"), console.task("is to stop")
    console.platform.fail_job(console.job(failing, dataset), "no luck")
    assert console.result("finetune/stopJob", taskId=stopping, jobId=console.job(stopping, dataset))
    console.dataset(33, "to be deleted")
    group = console.done("dataset", "DescribeDatasets")["datasetList"][-1]["datasetId"]
    assert console.done("dataset", "DeleteDataset", datasetId=group)
    return "svc-done"


def bearing(key):
    """Return the header of a call of v2."""
    return {"Authorization": f"Bearer {key}"}


def killed(file):
    """Return a copy of what a running platform keeps on disk: what would be left if it were killed now."""
    copy = file.with_name("copy")
    for suffix in ("", "-wal"):
        shutil.copy(f"{file}{suffix}", f"{copy}{suffix}")
    return copy


def contents(directory):
    """Return the bytes of every file in a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


class TestRestart:
    """What a platform knew before a restart it knows after it."""

    @pytest.mark.parametrize("how", ["started again", "made anew", "killed"])
    def test_everything_is_kept(self, file, how):
        """All that the console manages, the keys of others and the clock are there; ids go on."""
        platform = frozen(file)
        with calling(platform) as console:
            uri = fill(console)
            application = platform.add_application("my-ak", "my-sk")
            platform.add_access_key("ALTAKmine", "my secret")
            key = platform.add_api_key("bce-v3/mine/key").key
            before, offset = everything(console), platform._state.clock.offset
            left = killed(file)
        if how != "started again":
            platform = frozen(left if how == "killed" else file)

        with calling(platform) as console:
            assert everything(console) == before
            assert platform._state.clock.offset == offset
            assert platform.add_application().id == application.id + 1
            with pytest.raises(ValueError, match="ALTAKmine"):
                platform.add_access_key("ALTAKmine", "another")
            assert Console(platform, keys=("ALTAKmine", "my secret")).task("signed by mine") == 105

            caller = Caller(platform)
            question = lines()[7]["prompt"]
            assert caller.authorise(client_id="my-ak", client_secret="my-sk").status == 200
            models = caller.http.request("GET", f"{platform.url}/v2/models", headers=bearing(key))
            assert models.status == 200
            assert caller.ask(question, endpoint=uri)["result"] == lines()[7]["response"]
            assert caller.ask(question, endpoint="svc-deploying")["error_code"] == 6
            caller.http.clear()

    def test_ids_are_not_used_again(self, file):
        """The id of what was deleted is given to nothing else, after a restart neither."""
        ids = []
        for _ in range(3):
            with calling(qianfan.local.platform(state=file)) as console:
                made = console.done("model", "CreateCustomModelSet", modelSetName="same")["modelSetId"]
                ids.append(console.done("model", "DescribeModelSet", modelSetId=made)["modelSetId"])
                assert console.done("model", "DeleteModelSet", modelSetId=made)

        assert len(set(ids)) == 3

    def test_jobs_go_on_while_the_platform_is_away(self, file):
        """A job that ran when the platform stopped goes by the clock, which it finds where it left it."""
        time = 1_700_000_000.0
        first = qianfan.local.platform(state=file, clock=qianfan.local.Clock(lambda: time))
        with calling(first) as console:
            task = console.task()
            job = console.job(task, console.dataset())
            first.advance(seconds=60)
            assert console.detail(task, job)["trainStatus"] == "RUNNING"

        later = qianfan.local.platform(state=file, clock=qianfan.local.Clock(lambda: time + 60))
        with calling(later) as console:
            assert console.detail(task, job)["trainStatus"] == "FINISH"

    def test_clock_that_others_moved_is_kept(self, file):
        """A clock that was moved by its own method is kept with the next call."""
        clock = qianfan.local.Clock()
        with calling(qianfan.local.platform(state=file, clock=clock)) as console:
            clock.advance(days=3)
            everything(console)

        platform = qianfan.local.platform(state=file)
        assert platform._state.clock.offset == 3 * 86400

    @posix
    def test_command(self, file):
        """`qianfan serve --state` keeps what it was told, however it ends."""
        made = []
        for ending in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            server = StateServer(file, COMMAND).ready()
            console = server.console()
            made.append(console.task(f"task {ending}"))
            jobs = console.done("finetuning", "DescribeFineTuningJobs")["jobList"]
            console.http.clear()
            assert server.end(ending) == ("" if ending == signal.SIGKILL else "已停止。\n")
            assert len(jobs) == len(made)

        assert made == [101, 102, 103]

    @posix
    def test_command_on_a_file_that_is_none(self, file):
        """`qianfan serve --state` ends with exit code 2 and names the file that it cannot use."""
        file.write_text("my diary\n" * 100)
        server = StateServer(file, COMMAND)
        err = server.end()

        assert server.process.returncode == 2
        assert "".join(str(file).split()) in "".join(err.replace("│", "").split())
        assert "Traceback" not in err

    def test_memory(self):
        """Without a file a platform keeps everything while it is stopped, and shares it with no other."""
        platform, other = qianfan.local.platform(), qianfan.local.platform()
        with calling(platform) as console:
            fill(console)
        dataset = platform.add_dataset(SAMPLE)
        with calling(platform) as console, calling(other) as stranger:
            assert console.code("finetune/createTask", name="is to stop") == 510201
            assert console.result("dataset/info", datasetId=dataset.id)["entityCount"] == 1
            assert stranger.task("is to stop") == 101


class TestOneOwner:
    """A file is one platform's at a time."""

    def test_second_platform(self, file):
        """A file in use is refused, and neither it nor its owner is harmed; afterwards it is free."""
        with calling(qianfan.local.platform(state=file)) as console:
            console.task("first")
            with pytest.raises(ValueError, match=f"{file} is in use by another platform"):
                qianfan.local.platform(state=file)
            console.task("second")

        with calling(qianfan.local.platform(state=file)) as console:
            assert console.task("third") == 103

    @posix
    def test_second_process(self, file):
        """A file that another process has is refused, until that is killed."""
        server = StateServer(file).ready()
        with pytest.raises(ValueError, match="in use by another platform"):
            qianfan.local.platform(state=file)
        assert server.end(signal.SIGKILL) == ""

        qianfan.local.platform(state=file).stop()

    def test_stopped_platform_does_not_keep_the_file(self, file):
        """What is done with a stopped platform is kept, and leaves the file to others."""
        one = qianfan.local.platform(state=file)
        one.stop()
        dataset = one.add_dataset(SAMPLE)
        one.advance(hours=1)

        other = qianfan.local.platform(state=file)
        assert other.add_dataset(SAMPLE) == dataset
        with pytest.raises(ValueError, match="in use"):
            one.add_dataset(SAMPLE)
        with pytest.raises(ValueError, match="in use"):
            one.start()
        with pytest.raises(RuntimeError, match="not running"):
            _ = one.url
        other.stop()
        with one:
            assert one.add_dataset(SAMPLE) == dataset
            with pytest.raises(ValueError, match="in use"):
                other.advance(hours=1)

    def test_what_another_platform_did_meanwhile(self, file):
        """A platform that is started again knows what another did to its file."""
        one, other = qianfan.local.platform(state=file), None
        one.stop()
        other = qianfan.local.platform(state=file)
        application, key = other.add_application("an-ak", "an-sk"), other.add_api_key("bce-v3/its/key")
        other.advance(hours=2)
        other.stop()

        with one:
            caller = Caller(one)
            assert caller.authorise(client_id="an-ak", client_secret="an-sk").status == 200
            models = caller.http.request("GET", f"{one.url}/v2/models", headers=bearing(key.key))
            assert models.status == 200
            with pytest.raises(ValueError, match="already"):
                one.add_api_key(key.key)
            assert one.add_api_key().id == key.id + 1
            assert one._state.clock.offset == 7200
            with pytest.raises(ValueError, match="an-ak"):
                one.add_application("an-ak", "another")
            assert one.add_application().id == application.id + 1
            caller.http.clear()

    def test_start_that_fails_leaves_the_file(self, file):
        """A platform whose port is taken does not keep its file from the next."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            failed = qianfan.local.platform(state=file, port=taken.getsockname()[1])
            with pytest.raises(OSError, match="cannot listen"):
                failed.start()
        qianfan.local.platform(state=file).stop()

    def test_forgotten_platform_leaves_the_file(self, file):
        """A platform that nobody stopped and nobody refers to has let go of its file."""
        platform = qianfan.local.platform(state=file)
        dataset = platform.add_dataset(SAMPLE)
        del platform
        gc.collect()

        assert qianfan.local.platform(state=file).add_dataset(SAMPLE) == dataset

    def test_calls_in_flight_at_the_stop(self, file):
        """Calls that are cut by `stop` take the file from nobody; each was done whole or not at all."""
        acknowledged, asked, first = set(), set(), threading.Event()

        def call(console, number):
            for index in range(1000):
                asked.add(f"{number} {index}")
                try:
                    console.result("dataset/create", name=f"{number} {index}")
                except Exception:  # noqa: BLE001  # the platform is gone, in whatever way
                    break
                acknowledged.add(f"{number} {index}")
                first.set()
            console.http.clear()

        for turn in range(8):
            first.clear()
            platform = qianfan.local.platform(state=file).start()
            callers = [
                threading.Thread(target=call, args=(Console(platform), f"{turn} {number}"))
                for number in range(4)
            ]
            for caller in callers:
                caller.start()
            assert first.wait(10)
            platform.stop()
            with qianfan.local.platform(state=file) as after:
                names = [dataset.name for dataset in after._state.account.datasets.all()]
            for caller in callers:
                caller.join()
            assert len(names) == len(set(names))
            assert acknowledged <= set(names) <= asked


def write_text(file):
    """Write what is no database."""
    file.write_text("my diary, no database\n" * 300)


def write_start(file):
    """Write the first bytes of a database."""
    write_cut(file, 10)


def write_other(file):
    """Write a database of another program."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
        connection.execute("INSERT INTO diary VALUES ('rain')")
        connection.commit()


def write_wal(file):
    """Write a database of another program as it is while that program has it open."""
    write_other(file)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO diary VALUES ('sun')")
        connection.commit()
        shutil.copy(f"{file}-wal", f"{file}-kept")
    Path(f"{file}-kept").rename(f"{file}-wal")


def write_state(file):
    """Write a state file."""
    platform = qianfan.local.platform(state=file)
    platform.add_dataset(lines(500))
    platform.stop()


def write_version(file):
    """Write a state file of another version."""
    write_state(file)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 7")


def write_cut(file, size=20_000):
    """Write a state file that has lost its end."""
    write_state(file)
    os.truncate(file, size)


def write_damaged(file):
    """Write a state file with a page of nonsense."""
    write_state(file)
    data = bytearray(file.read_bytes())
    data[8192:12288] = b"nonsense" * 512
    file.write_bytes(data)


class TestRefused:
    """What is no state file is refused with its name and what to do, and is left as it is."""

    @pytest.mark.parametrize(
        ("write", "complaint"),
        [
            (write_text, "is no state file of the local platform: take another path"),
            (write_start, "is no state file of the local platform: take another path"),
            (write_other, "is a database of another program, no state file: take another path"),
            (write_version, "has version 7, and this release reads version 1: take another path"),
            (write_cut, "is damaged: take another path, or a copy of it from before"),
            (write_damaged, "is damaged: take another path, or a copy of it from before"),
            (Path.mkdir, "is no file that could keep a state: take another path"),
        ],
    )
    def test_file(self, file, write, complaint):
        """The file is named, and not a byte of it is changed."""
        write(file)
        before = contents(file.parent)
        for _ in range(2):
            with pytest.raises(ValueError, match=complaint) as caught:
                qianfan.local.platform(state=file)
            assert str(file) in str(caught.value)

        assert contents(file.parent) == before

    def test_database_that_its_program_left_open(self, file):
        """A database of another program, with changes that are not yet in it, keeps its rows."""
        write_wal(file)
        with pytest.raises(ValueError, match="is a database of another program"):
            qianfan.local.platform(state=file)

        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT day FROM diary").fetchall() == [("rain",), ("sun",)]

    def test_path_that_cannot_be(self, tmp_path):
        """A directory that does not exist is not made."""
        with pytest.raises(ValueError, match=r"nowhere/state cannot be made: .+: take a path"):
            qianfan.local.platform(state=tmp_path / "nowhere" / "state")
        assert list(tmp_path.iterdir()) == []

    def test_empty_file(self, file):
        """An empty file, as `mktemp` makes them, begins a state."""
        file.touch()
        with calling(qianfan.local.platform(state=file)) as console:
            console.task()
        with calling(qianfan.local.platform(state=file)) as console:
            assert console.code("finetune/createTask", name="demo") == 510201

    @posix
    def test_file_that_may_not_be_written(self):
        """A file or directory without the right to write is refused; nothing is made."""
        told = python(
            """
            import os, tempfile
            import qianfan.local

            if os.getuid() == 0:
                os.setuid(65534)  # the superuser may write anything
            with tempfile.TemporaryDirectory() as directory:
                file = directory + "/state"
                qianfan.local.platform(state=file).stop()
                os.chmod(file, 0o400)
                os.chmod(directory, 0o500)
                for path in (file, directory + "/other"):
                    try:
                        qianfan.local.platform(state=path)
                    except ValueError as error:
                        print(str(error).replace(directory, "DIR"))
                print(os.listdir(directory))
                os.chmod(directory, 0o700)
            """
        )
        assert told.splitlines() == [
            "the state file DIR/state cannot be read and written: take a path where you may",
            "the state file DIR/other cannot be made: Permission denied: take a path where you may write",
            "['state']",
        ]


@posix
class TestSystem:
    """Permissions, forks and full disks."""

    def test_file_is_private(self, file):
        """The file, which has secret keys in it, is its owner's alone; one that is there keeps its mode."""
        shared = file.with_name("shared")
        shared.touch(0o640)
        mode = shared.stat().st_mode
        with qianfan.local.platform(state=file), qianfan.local.platform(state=shared) as other:
            other.add_dataset(SAMPLE)
            modes = {path.name: path.stat().st_mode for path in file.parent.iterdir()}

        assert {oct(modes[name] & 0o777) for name in ("state", "state-wal")} == {"0o600"}
        assert {modes["shared"], modes["shared-wal"]} == {mode}

    def test_fork(self, file):
        """A child has no right to the file; its end harms neither the parent nor the file."""
        told = python(
            """
            import os, sys, warnings
            import qianfan.local

            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
            platform = qianfan.local.platform(state=os.environ["FILE"]).start()
            platform.add_dataset([{"prompt": "a", "response": "b"}], "before the fork")
            pid = os.fork()
            if pid == 0:
                try:
                    platform.add_dataset([{"prompt": "a", "response": "b"}], "of the child")
                except RuntimeError as error:
                    print(str(error).replace(os.environ["FILE"], "FILE"), flush=True)
                platform.stop()
                sys.exit(7)
            assert os.waitpid(pid, 0)[1] == 7 << 8
            platform.add_dataset([{"prompt": "a", "response": "b"}], "after the fork")
            print("killed", flush=True)
            os._exit(0)  # nothing is closed
            """,
            FILE=str(file),
        )
        assert told == "the state file FILE belongs to the process that forked this one\nkilled\n"
        platform = qianfan.local.platform(state=file)
        assert [it.name for it in platform._state.account.datasets.all()] == [
            "before the fork",
            "after the fork",
        ]

    @pytest.mark.parametrize("where", ["file", "memory"])
    def test_forks_beside_busy_threads(self, file, where):
        """Children are born with no lock held, whatever the threads of the parent are doing."""
        told = python(
            """
            import os, signal, sys, threading, warnings
            import qianfan.local

            warnings.simplefilter("ignore", DeprecationWarning)
            sys.setswitchinterval(1e-4)
            platform = qianfan.local.platform(state=os.environ["FILE"] or None)
            names, busy = [], True

            def add():
                while busy:
                    platform.add_dataset([{"prompt": "a", "response": "b"}], f"set {len(names)}")
                    names.append(f"set {len(names)}")

            thread = threading.Thread(target=add, daemon=True)  # a failure below is told, and ends it
            thread.start()
            for _ in range(20):
                pid = os.fork()
                if pid == 0:
                    signal.alarm(10)  # a child that waits for a lock is ended by it
                    try:
                        platform.add_dataset([{"prompt": "a", "response": "b"}], "of the child")
                    except RuntimeError:
                        pass
                    platform.stop()
                    os._exit(0)
                assert os.waitpid(pid, 0)[1] == 0
            busy = False
            thread.join()
            assert [dataset.name for dataset in platform._state.account.datasets.all()] == names
            print("well")
            """,
            FILE=str(file) if where == "file" else "",
        )
        assert told == "well\n"

    def test_full_disk(self, file):
        """A change that the disk has no room for is refused whole; when there is room all goes on."""
        log = file.with_name("log")
        told = python(
            """
            import logging, os, resource, warnings
            from console_caller import Console
            import qianfan.local

            warnings.filterwarnings("ignore", ".*utcfromtimestamp")  # in Baidu's signer
            logging.basicConfig(filename=os.environ["LOG"])

            def room(size):
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

            def create(name):
                answer = console.call("finetune/createTask", name=name)
                return answer.get("error_code") or made.append(name)

            file, made = os.environ["FILE"], []
            with qianfan.local.platform(state=file) as platform:
                console = Console(platform)
                room(os.path.getsize(file + "-wal") + 50_000)  # the log is smaller
                codes = [create(f"task {number}") for number in range(40)]
                assert set(codes) == {None, 500000}, codes
                for change in (
                    lambda: platform.add_dataset([{"prompt": "a" * 9000, "response": "b"}]),
                    lambda: platform.add_application("ak", "sk"),
                    lambda: platform.add_access_key("ak", "sk"),
                    lambda: platform.advance(hours=1),
                ):
                    try:
                        change()
                    except OSError as error:
                        assert file in str(error), error
                    else:
                        raise AssertionError
                room(resource.RLIM_INFINITY)
                assert not any(create(f"later {number}") for number in range(3))
                console.http.clear()
            with qianfan.local.platform(state=file) as platform:
                assert [task.name for task in platform._state.account.tasks.all()] == made
                assert platform._state.account.datasets.all() == []
                assert platform.add_application("ak", "sk").id == 36000002
                platform.add_access_key("ak", "sk")
                assert platform._state.clock.offset == 3600  # moved, and kept with the next change
            print(len(made) > 3)
            """,
            FILE=str(file),
            LOG=str(log),
            PYTHONPATH=PATHS,
        )
        assert told == "True\n"
        assert f"OSError: the state file {file} cannot be" in log.read_text()

    def test_full_disk_at_the_beginning(self, tmp_path):
        """A file that there was no room to begin is begun when there is."""
        told = python(
            """
            import os, resource
            import qianfan.local

            refused = 0
            for size in (*range(0, 60_000, 1024), resource.RLIM_INFINITY):
                file = os.path.join(os.environ["DIRECTORY"], str(size))
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
                try:
                    qianfan.local.platform(state=file).stop()
                except (ValueError, OSError) as error:
                    assert file in str(error)
                    refused += 1
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                platform = qianfan.local.platform(state=file)
                assert (platform.add_application().id, platform.add_access_key().id) == (36000002, 2)
                platform.stop()
            print(refused > 10)
            """,
            DIRECTORY=str(tmp_path),
        )
        assert told == "True\n"


def at_once(count, work):
    """Do work in so many threads that start together; return what each returned."""
    start, results = threading.Barrier(count), [None] * count

    def run(number):
        start.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("kept", ["memory", "file"])
class TestThreads:
    """Calls of many threads at once leave the same as one after the other."""

    @pytest.fixture
    def console(self, kept, file):
        """Return a caller of a platform, whose threads take turns as often as can be."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        with calling(qianfan.local.platform(state=file if kept == "file" else None)) as console:
            yield console
        sys.setswitchinterval(usual)

    def test_ids(self, console):
        """No id is given twice, none is left out, and each names what its caller made."""
        dataset = console.dataset()

        def work(number):
            own, made = Console(console.platform), []
            for index in range(15):
                task = own.task(f"task {number} {index}")
                made.append((task, own.job(task, dataset, description=f"job {number} {index}")))
            own.http.clear()
            return made

        made = at_once(8, work)

        ids = [pair for pairs in made for pair in pairs]
        assert sorted(task for task, _ in ids) == list(range(101, 101 + 120))
        assert sorted(job for _, job in ids) == list(range(301, 301 + 120))
        for number, pairs in enumerate(made):
            for index, (task, job) in enumerate(pairs):
                detail = console.detail(task, job)
                assert (detail["taskName"], detail["description"]) == (
                    f"task {number} {index}",
                    f"job {number} {index}",
                )

    def test_names(self, console):
        """Of many that ask for the same name or address, one gets it."""
        published = console.published()

        def work(_):
            own, won = Console(console.platform), []
            for index in range(10):
                body = own.service(f"uri{index}", published["modelId"], published["versionId"])
                answers = (
                    own.call("finetune/createTask", name=f"task {index}"),
                    own.call("service/apply", **body),
                )
                assert {it.get("error_code") for it in answers} <= {None, 510201, 500001}
                won += [(index, place) for place, it in enumerate(answers) if "result" in it]
            own.http.clear()
            return won

        won = [pair for pairs in at_once(8, work) for pair in pairs]

        assert sorted(won) == [(index, place) for index in range(10) for place in range(2)]

    @pytest.mark.parametrize("kind", ["application", "access_key", "api_key"])
    def test_keys(self, console, kept, file, kind):
        """Keys that are registered at once all differ, and all are there after a restart."""
        platform = console.platform
        made = at_once(8, lambda _: [getattr(platform, f"add_{kind}")() for _ in range(10)])

        keys = {it.key if kind == "api_key" else it.ak for records in made for it in records}
        assert len(keys) == 80
        if kept == "file":
            platform.stop()
            platform = qianfan.local.platform(state=file)
        for key in keys:
            with pytest.raises(ValueError, match="already"):
                getattr(platform, f"add_{kind}")(key, *(["another"] if kind != "api_key" else []))
        platform.stop()

    def test_a_job_ends_once(self, console):
        """A job that some stop while others let it fail ends for one of them, and so it stays."""
        dataset = console.dataset()
        pairs = [(task, console.job(task, dataset)) for task in (console.task(f"t{i}") for i in range(25))]
        together = threading.Barrier(4)

        def work(number):
            own, won = Console(console.platform), []
            for task, job in pairs:
                together.wait()
                if number:
                    with contextlib.suppress(ValueError):
                        own.platform.fail_job(job, f"{number}")
                        won.append((job, f"{number}"))
                elif "result" in own.call("finetune/stopJob", taskId=task, jobId=job):
                    won.append((job, None))
            own.http.clear()
            return won

        won = sorted(pair for pairs in at_once(4, work) for pair in pairs)

        assert won == [(job, console.detail(task, job).get("failReason")) for task, job in pairs]

    def test_a_task_trains_once_at_a_time(self, console):
        """Of jobs that are started at once in one task, one runs."""
        dataset, task = console.dataset(), console.task()
        codes = at_once(
            8, lambda _: console.call("finetune/createJob", **console.body(task, dataset)).get("error_code")
        )

        assert sorted(codes, key=str) == [510402] * 7 + [None]


@pytest.mark.parametrize(
    "step", [-1, float("nan"), float("inf"), -float("inf"), 1e12, 260_000_000_000], ids=str
)
def test_clock_moves_no_further_than_dates_reach(file, step):
    """A step that is backwards, no number or beyond the last date is refused, and nothing has changed."""
    with calling(frozen(file)) as console:
        fill(console)
        before, offset = everything(console), console.platform._state.clock.offset
        with pytest.raises(ValueError, match="the clock"):
            console.platform.advance(seconds=step)
        assert everything(console) == before

    with calling(frozen(file)) as console:
        assert everything(console) == before
        assert console.platform._state.clock.offset == offset


def test_clock_reaches_its_last_year(file):
    """In the last second that the clock reaches, jobs start and everything can be told."""
    with calling(frozen(file)) as console:
        fill(console)
        left = 253_370_764_799 - console.platform._state.clock.now()
        console.platform.advance(seconds=left)
        console.job(console.task("the last"), console.dataset())
        before = everything(console)

    with calling(frozen(file)) as console:
        assert everything(console) == before

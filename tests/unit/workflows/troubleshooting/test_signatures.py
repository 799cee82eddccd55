import pytest

from stretto.troubleshooting.v1 import troubleshooting_pb2 as contract
from stretto.workflows.troubleshooting.signatures import CHARACTERS_MAX, WORDS, Cause, cause_of, cause_of_exit

LINES = {
    Cause.OUT_OF_MEMORY: [
        "MemoryError",
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array",
        "State: Terminated, Reason: OOMKilled",
        "Command failed with exit code 137",
        "exited with code 137",
        "java.lang.OutOfMemoryError: Java heap space",
        "OSError: [Errno 12] Cannot allocate memory",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "Out of memory: Killed process 4242 (python) total-vm:8123456kB",
        "Container is running beyond limits: exceeded the physical memory limit",
        "Task exited with return code -9",
        "Negsignal.SIGKILL",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    ],
    Cause.DISK_FULL: [
        "OSError: [Errno 28] No space left on device: '/data/part-0001'",
        "write failed: ENOSPC",
        "Disk quota exceeded",
        'ERROR: could not extend file "base/16384/2619": No space left on device',
        "sqlite3.OperationalError: database or disk is full",
        "/var is at 100 %: disk full",
        "There is not enough space on the disk",
    ],
    Cause.DEPENDENCY_UNAVAILABLE: [
        "psycopg.OperationalError: connection failed: Connection refused",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "socket.gaierror: [Errno -2] Name or service not known",
        "curl: (6) Could not resolve host: api.example.com",
        "HTTP 503",
        "smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
        "server closed the connection: Connection closed unexpectedly",
        "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url",
        "upstream returned 502",
        "status code: 503",
        "Temporary failure in name resolution",
        "Connection reset by peer",
        "connect ECONNREFUSED 127.0.0.1:5432",
        "dial tcp: lookup db: no such host",
        "FATAL: sorry, too many connections",
        "kafka.errors.NoBrokersAvailable: NoBrokersAvailable",
    ],
    Cause.TIMEOUT: [
        "TimeoutError",
        "requests.exceptions.ReadTimeout: Read timed out. (read timeout=30)",
        "context deadline exceeded",
        "canceling statement due to statement timeout",
        "504 Gateway Timeout",
        "HTTP/1.1 504",
        "exit status 124",
        "subprocess.TimeoutExpired: Command 'dbt run' timed out after 3600 seconds",
        "AirflowTaskTimeout: Timeout, PID: 77",
    ],
    Cause.ACCESS_DENIED: [
        "PermissionError: [Errno 13] Permission denied: '/data/in'",
        'FATAL: password authentication failed for user "etl"',
        "401 Client Error: Unauthorized for url",
        "HTTP 403",
        "An error occurred (AccessDenied) when calling the GetObject operation",
        "ssl.SSLCertVerificationError: certificate verify failed: certificate has expired",
        "smtplib.SMTPAuthenticationError: authentication failed",
        "ERROR: permission denied for table orders",
        "exit code 126",
        "Access denied for user 'etl'@'10.0.0.7' (using password: YES)",
    ],
    Cause.BAD_DATA: [
        "KeyError: 'customer_id'",
        "ValueError: could not convert string to float: 'n/a'",
        'ERROR: duplicate key value violates unique constraint "orders_pkey"',
        'ERROR: column "amount" of relation "orders" does not exist',
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
        'invalid input syntax for type integer: "x"',
        'null value in column "id" violates not-null constraint',
        "pandas.errors.ParserError: Error tokenizing data",
        'java.lang.NumberFormatException: For input string: ""',
    ],
    Cause.MISSING_FILE: [
        "FileNotFoundError: [Errno 2] No such file or directory: '/in/orders.csv'",
        "cat: /in/orders.csv: No such file or directory",
        "An error occurred (NoSuchKey) when calling the GetObject operation",
        "File orders.csv not found",
        "org.apache.spark.sql.AnalysisException: Path does not exist: s3://in/orders",
    ],
    Cause.DEADLOCK: [
        "ERROR: deadlock detected",
        "Deadlock found when trying to get lock; try restarting transaction",
        "ORA-00060: deadlock detected while waiting for resource",
        "ERROR: could not serialize access due to concurrent update",
    ],
    Cause.PROGRAM_ERROR: [
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
        "AttributeError: 'NoneType' object has no attribute 'read'",
        "java.lang.NullPointerException",
        "Segmentation fault (core dumped)",
        "ModuleNotFoundError: No module named 'pandas'",
        "panic: runtime error: invalid memory address or nil pointer dereference",
        "exit code 139",
        "exit code: 127",
        "return code -11",
        "bash: dbt: command not found",
    ],
    Cause.UNKNOWN: [
        "",
        "Task failed",
        "Finished with 0 errors",
        "No timeouts so far",
        "loaded 137 rows in 503 batches",
        "exit code 0",
        "exit code 1",
        "Connecting with timeout=30",
        "memory usage is 401 MiB",
        "Retrying in 403 ms",
        "403 rows were written to disk",
        "Sent to unforbidden.example, port 1504",
        "The disk has been checked",
        "no deadlocks were found",
        "column order_id is an integer",
        "Something went wrong",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("cause", "line"), [(cause, line) for cause, lines in LINES.items() for line in lines])
def test_a_line_tells_of_a_cause(cause, line):
    assert cause_of(line) is cause
    assert cause_of(f"2026-11-20 10:00:00,123 ERROR etl: {line}") is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("could not connect to server: password authentication failed", Cause.ACCESS_DENIED),
        ("Max retries exceeded with url: / (Caused by SSLError: certificate has expired)", Cause.ACCESS_DENIED),
        ("could not connect to server: Connection timed out", Cause.DEPENDENCY_UNAVAILABLE),
        ("TypeError while handling: deadlock detected", Cause.DEADLOCK),
        ("exit code 1 after MemoryError", Cause.OUT_OF_MEMORY),
    ],
)
def test_what_is_sure_comes_before_what_follows_from_it(text, cause):
    assert cause_of(text) is cause


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (0, Cause.UNKNOWN),
        (1, Cause.UNKNOWN),
        (137, Cause.OUT_OF_MEMORY),
        (-9, Cause.OUT_OF_MEMORY),
        (124, Cause.TIMEOUT),
        (126, Cause.ACCESS_DENIED),
        (127, Cause.PROGRAM_ERROR),
        (139, Cause.PROGRAM_ERROR),
        (143, Cause.UNKNOWN),
    ],
)
def test_an_exit_code_tells_of_a_cause(code, cause):
    assert cause_of_exit(code) is cause


def test_long_texts_are_read_up_to_a_bound():
    assert cause_of("x" * (CHARACTERS_MAX - 11) + " MemoryError") is Cause.UNKNOWN
    assert cause_of("x" * (CHARACTERS_MAX - 12) + " MemoryError") is Cause.OUT_OF_MEMORY


def test_causes_are_those_of_the_contract_and_have_words():
    assert {cause.value for cause in Cause} == set(contract.Cause.keys())
    assert WORDS.keys() == set(Cause) - {Cause.UNKNOWN}

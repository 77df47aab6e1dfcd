"""Bandwidth and health of a pool's nodes together, measured before jobs depend on it.

Evidence, as the last line on stdout and in `evidenceFile` (a container's /dev/termination-log: 4096 bytes at most), on
every node the same, is one JSON object:

    state      "pass", "fail", or "unknown": it could not be measured
    reason     one sentence for whoever reads it
    slowNodes  names of the nodes to be kept out: slow, on the wrong transport, or without their volume
    busbwGbps  bus bandwidth of the largest message in gigabytes (1e9) per second; 0 where it was not measured
    floorGbps  what it was to reach; 0 where no floor is known
    transport  what the data went over: "tcp", or NCCL's own word such as "AWS Libfabric", "IB", "Socket"
    nodes, ranks
    sweep      [bytes, gigabytes per second] for each message size
    probe      gigabytes per second of the slowest nodes, by name

Convention of bus bandwidth, as nccl-tests has it: bytes / seconds * 2 (n - 1) / n for an all-reduce over n ranks.
Exit codes: 0 pass, 1 fail, 75 unknown, 78 the user's mistake.
"""

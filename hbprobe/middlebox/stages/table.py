"""The stages by name."""

from collections.abc import Mapping
from typing import Any

from hbprobe.middlebox.stages.bandwidth import Bandwidth
from hbprobe.middlebox.stages.latency import Latency
from hbprobe.middlebox.stages.limit_data import LimitData
from hbprobe.middlebox.stages.packet_loss import PacketLoss
from hbprobe.middlebox.stages.slicer import Slicer
from hbprobe.middlebox.stages.slow_close import SlowClose
from hbprobe.middlebox.stages.stage import Stage
from hbprobe.middlebox.stages.timeout import Timeout

STAGES: Mapping[str, type[Stage[Any]]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slow_close": SlowClose,
    "timeout": Timeout,
    "slicer": Slicer,
    "limit_data": LimitData,
    "packet_loss": PacketLoss,
    "noop": Stage,
}
"""Toxiproxy's words for them (https://github.com/Shopify/toxiproxy#toxics)."""

"""The catalogue as a picture: how long each product lets a silent request live, and how it ends it.

A dot is a product. Dots whose limits are equal or close are heaped; products that many paths lead through are named
as far as there is room.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from hbprobe.manner import VERMILLION, Expiry, Look
from hbprobe.profiles.model import Category, Profile
from hbprobe.profiles.silent_request import deciding_timer, timer_s
from hbprobe.report.looks import LOOKS
from hbprobe.report.plots.axis import tick_words
from hbprobe.report.plots.catalogue_rows import DOT_IN, Dot, Heaps, Row, name_boxes, stack
from hbprobe.report.plots.flags import Flag, fly
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, LegendEntry, Page
from hbprobe.report.plots.style import FAINT, INK, extent, in_style
from hbprobe.trial.outcome import Kind

THRESHOLD_S = 540
"""The average of heartbeats at which Exchange logs event 1040 by default."""
MARKED_S = {THRESHOLD_S: ", alert threshold", 900: "", 1800: "", 3540: ", longest heartbeat"}
"""What Exchange goes by, and two round timers between."""

_LEFT_IN = 1.75
_RIGHT_IN = WIDTH_IN - MARGIN_IN
_EVER_IN = 0.72
"""Width of the second axes, for what ends no silent request."""
_BETWEEN_IN = 0.1
_MIDDLE_IN = _RIGHT_IN - _EVER_IN - _BETWEEN_IN
_TICKS_S = (1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 432000, 2592000, 31536000)
_NAMES = {"cdn": "CDN", "nat": "NAT"}
_FEW = 25
"""Of so few profiles each may be named."""

_KNOWN = (
    "cisco-asa", "fortinet-fortigate", "paloalto-pan-os", "juniper-srx", "aws-nlb-tcp", "aws-alb",
    "azure-load-balancer", "nginx-http-proxy", "cloudflare-proxy", "heroku-router", "avm-fritzbox",
    "openwrt-conntrack", "linux-netfilter-conntrack", "cisco-staros-acs", "aws-nat-gateway", "azure-nat-gateway",
    "gcp-cloud-nat", "linux-ipvs", "f5-bigip-tcp-profile", "citrix-netscaler-tcp", "squid-forward-proxy",
    "envoy-http", "envoy-tcp-proxy", "nginx-stream-proxy", "pfsense-opnsense-normal", "twilio-super-sim",
    "azure-app-service", "microsoft-iis-arr", "aws-cloudfront", "azure-firewall", "sonicwall-classic",
    "haproxy-sample-edge", "google-cloud-run", "fastly-vcl", "evomi-residential-proxy", "cisco-ios-nat",
    "mikrotik-routeros", "gcp-vpc-firewall-conntrack", "openbsd-pf-normal", "aws-global-accelerator",
    "cilium-conntrack",
)  # fmt: skip
"""The products that are named, the first of them first."""

_MARK: dict[str, Any] = {"markersize": 60 * DOT_IN, "markeredgecolor": "white", "markeredgewidth": 0.4}
_LIVES = Look("lives for ever", LOOKS[Kind.SURVIVED].color, "", LOOKS[Kind.SURVIVED].marker)


def catalogue_plot(profiles: Sequence[Profile]) -> Figure:
    """Draw the limits of profiles on a logarithmic axis, a row for each category. Raises ValueError for none."""
    products = [one for one in profiles if one.category is not Category.EXAMPLE] or list(profiles)
    if not products:
        raise ValueError("nothing to draw: give a profile")
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, _MIDDLE_IN)
        ever = page.add_axes(_RIGHT_IN - _EVER_IN, _RIGHT_IN, beside=axes)
        _scale(axes, ever, products)
        rows = stack(_heaps(axes, products), _EVER_IN)
        plot_in = rows[0].high_in
        axes.set_ylim(0, plot_in)
        _draw_rows(axes, ever, rows)
        _draw_dots(axes, ever, rows)
        _name_dots(axes, rows, _KNOWN if len(products) > _FEW else [one.id for one in products])
        flags = fly(axes, _marks(axes, products), MARGIN_IN, _RIGHT_IN)
        return page.finish(_title(products), _subtitle(), flags, plot_in, _legend(rows), 3)


def _scale(axes: Axes, ever: Axes, products: Sequence[Profile]) -> None:
    limits_s = [limit_s for one in products if (limit_s := timer_s(one)) is not None] or [THRESHOLD_S]
    low_s, high_s = min(*limits_s, 60) / 1.5, max(*limits_s, 3540) * 1.5
    axes.set_xscale("log")
    axes.set_xlim(low_s, high_s)
    ticks = [tick for tick in _TICKS_S if low_s <= tick <= high_s]
    axes.set_xticks(ticks, [tick_words(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("limit of a silent request at the product's default, in seconds (logarithmic scale)")
    ever.set_xlim(0, _EVER_IN)
    ever.set_xticks([_EVER_IN / 2], ["for ever"])


def _heaps(axes: Axes, products: Sequence[Profile]) -> list[Heaps]:
    """Sort the products into categories, those that end a request soonest first."""
    heaps = []
    for category in Category:
        mine = [one for one in products if one.category is category]
        ending = sorted((one for one in mine if timer_s(one) is not None), key=_order)
        places = [(one, _place_in(axes, timer_s(one) or 0)) for one in ending]
        if mine:
            heaps.append(Heaps(category, places, [one for one in mine if one not in ending]))
    return sorted(heaps, key=_typical_in)


def _order(profile: Profile) -> tuple[float, int]:
    timer = deciding_timer(profile)
    return timer_s(profile) or 0, list(Expiry).index(Expiry.SILENT if timer is None else timer.expiry)


def _typical_in(heaps: Heaps) -> float:
    return statistics.median([*(place for _, place in heaps.ending), *(_MIDDLE_IN for _ in heaps.endless)])


def _place_in(axes: Axes, limit_s: float) -> float:
    return float(axes.transData.transform((limit_s, 0))[0]) / axes.figure.dpi


def _draw_rows(axes: Axes, ever: Axes, rows: Sequence[Row]) -> None:
    """Draw a band and a name for each category."""
    for number, row in enumerate(rows):
        for one in (axes, ever):
            if number % 2 == 0:
                one.axhspan(row.low_in, row.high_in, color="#F4F4F4", zorder=0, linewidth=0)
    middles = [(row.low_in + row.high_in) / 2 for row in rows]
    axes.set_yticks(middles, [f"{_NAMES.get(row.name, row.name.replace('-', ' '))}  {len(row.dots)}" for row in rows])
    for one in (axes, ever):
        one.tick_params(axis="y", length=0, labelleft=one is axes)
        one.spines["left"].set_visible(False)
    axes.axvspan(axes.get_xlim()[0], THRESHOLD_S, color=VERMILLION, alpha=0.06, zorder=0.5, linewidth=0)


def _draw_dots(axes: Axes, ever: Axes, rows: Sequence[Row]) -> None:
    for dot in (dot for row in rows for dot in row.dots):
        limit_s = timer_s(dot.profile)
        look = _look(dot)
        where, place = (ever, dot.x_in) if limit_s is None else (axes, limit_s)
        where.plot(place, dot.y_in, look.marker, color=look.color, zorder=4, gid=dot.profile.id, **_MARK)


def _look(dot: Dot) -> Look:
    timer = deciding_timer(dot.profile)
    look = None if timer is None else timer.expiry.traits.look
    return look if dot.ends and look is not None else _LIVES


def _name_dots(axes: Axes, rows: Sequence[Row], known: Sequence[str]) -> None:
    """Name products, the first of `known` first, as far as there is room."""
    dots = [dot for row in rows for dot in row.dots if dot.ends]
    named = sorted((dot for dot in dots if dot.profile.id in known), key=lambda dot: known.index(dot.profile.id))
    look: dict[str, Any] = {"fontsize": 6.8, "va": "center", "zorder": 3, "gid": "name"}
    texts = [axes.text(THRESHOLD_S, 0, dot.profile.id, **look) for dot in named]
    widths = [extent(text).width / axes.figure.dpi for text in texts]
    boxes = name_boxes(dots, list(zip(named, widths, strict=True)), _LEFT_IN, _MIDDLE_IN)
    for text, box in zip(texts, boxes, strict=True):
        if box is None:
            text.remove()
            continue
        across = axes.transData.inverted().transform((box.left * axes.figure.dpi, 0))[0]
        text.set_position((across, (box.low + box.high) / 2))
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white", alpha=0.8)])  # over the dotted lines


def _marks(axes: Axes, products: Sequence[Profile]) -> list[Flag]:
    """Draw what Exchange goes by as lines, and return their labels: how many products have cut by then."""
    flags = []
    for at_s, words in MARKED_S.items():
        color, bold = (INK, True) if at_s == THRESHOLD_S else (FAINT, False)
        flags.append(Flag(at_s, f"{at_s} s{words}: {_cut_by(products, at_s)} have cut", INK, bold=bold))
        axes.axvline(at_s, color=color, linewidth=0.9, linestyle="dotted", zorder=1, gid="threshold")
    return flags


def _cut_by(products: Sequence[Profile], at_s: float) -> int:
    limits_s = [timer_s(one) for one in products]
    return sum(limit_s is not None and limit_s <= at_s for limit_s in limits_s)


def _title(products: Sequence[Profile]) -> str:
    cut = _cut_by(products, THRESHOLD_S)
    return f"Of {len(products)} boxes, {cut} cut a silent request within {THRESHOLD_S} s"


def _subtitle() -> str:
    return (
        f"Each dot is a product at its defaults. Exchange logs event 1040 for heartbeats of {THRESHOLD_S} s or less."
    )


def _legend(rows: Sequence[Row]) -> list[LegendEntry]:
    drawn = {_look(dot).label for row in rows for dot in row.dots}
    known = [expiry.traits.look for expiry in Expiry]
    looks = [look for look in (*known, _LIVES) if look is not None and look.label in drawn]
    return [(Line2D([], [], color=one.color, marker=one.marker, ls="none", **_MARK), one.label) for one in looks]

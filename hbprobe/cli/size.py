"""`hbprobe size`: which timer the firewall before Exchange should have, and what each would cost."""

from typing import TYPE_CHECKING

from hbprobe.cli.fleet_output import Options, progress, tell
from hbprobe.cli.output import measured
from hbprobe.cli.request_options import from_request
from hbprobe.fleet.requests import Size

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@from_request(Size)
def size(request: Size, own: Options) -> int:
    """Simulate, and show which timer is enough."""
    from hbprobe.fleet.tally import TOLERATED_MIN_PER_DAY
    from hbprobe.profiles.silent_request import deciding_timer
    from hbprobe.records.simulations import SizePart
    from hbprobe.report.terminal.size import change, print_size
    from hbprobe.text import named

    def picture() -> "Figure":
        from hbprobe.report.plots.size_plot import size_plot

        return size_plot(sizing, about)

    with progress(own) as observer:
        sizing, _ = measured(request, observer)
    mix = request.loaded_mix()
    firewall = mix.firewall_profile
    timer = deciding_timer(firewall) if firewall else None
    configure = timer.configure if timer else None
    per_day = mix.habits.mail.per_day
    behind = f" behind {firewall.id}" if firewall else ""
    about = f"{request.devices} devices{behind}, {request.days:g} d, mix {mix.name}, {per_day:g} mails a day"
    facts = [("fleet", about), *named("assumed", mix.assumed)]
    document = SizePart.of(
        sizing,
        devices=request.devices,
        days=request.days,
        mix=mix.name,
        mails_per_day=per_day,
        seed=request.seed,
        firewall=firewall.id if firewall else None,
        tolerated_without_push_min_per_day=TOLERATED_MIN_PER_DAY,
        configure=change(sizing, configure),
        assumed=mix.assumed,
    )
    return tell(
        own,
        "size",
        document,
        lambda console: print_size(sizing, facts, firewall.id if firewall else "", configure, console),
        {"size": picture},
        found=sizing.enough[0].timer_s is None,
    )

"""The company whose logs these are, as `hbprobe fleet` and `size` take it.

    mixture.py         a mix for `hbprobe fleet` and `size`, with the shares that logs show: kinds of devices, paths,
                       mail and moves
    mix_paths.py       the paths of a mix: what each network carries, and the limit of a box before the server, which
                       all of them pass
    lived.py           the limits behind one network and their shares, of the time that devices lived through there

What cannot be known from logs stands in the mix under `assumed`.
"""

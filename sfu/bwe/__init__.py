"""Bandwidth estimation: how much a link bears, from what became of the packets sent over it.

Transport-wide numbers (draft-holmer-rmcat-transport-wide-cc-extensions-01) are reported by whoever receives:
`arrivals` reports to publishers what we got, so that they adapt; `estimator` reads what subscribers report.
The estimate follows Google's congestion control (draft-ietf-rmcat-gcc-02): the trend of the delay, an additive
increase and multiplicative decrease, and probing, changed for a sender that often sends less than the link
bears. No sockets, clocks or tasks: the time, in seconds, is passed in.
"""

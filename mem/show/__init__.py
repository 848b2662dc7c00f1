"""Records as a person reads them on a terminal, and as programs read them in JSON.

`style` knows the terminal, `answers` what hot commands print, `details` everything else.
"""

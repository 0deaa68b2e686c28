"""What a battery can still do, from what a UPS lets one see. Pure: numbers in, numbers out.

    electrical   current from load, Peukert, temperature: every equation of one line
    curve        a discharge curve, even a part of one -> state of health with its error
    recorder     samples in event time -> discharges
    ageing       heat and cycles -> wear, survival
    belief       [health, fade] with variance: the one state that all witnesses move
    witnesses    what each kind of evidence says, and how much it weighs
    verdict      the rule by which a battery is to be replaced
    runtime      minutes at this load with an error bar; forecasts and their scores

Equations, units, defaults, sources and limits: docs/analytics_battery.md. Thresholds marked (tune) are defaults.
"""

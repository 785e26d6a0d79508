"""Drills: the product, or a stage of it, where much goes wrong on purpose.

webhooks        thousands of deliveries, shuffled and repeated (storm)
recordings      fetching from a bad server (faults, faulty_server), and with workers that are killed (kills)
outbound        what rooms call (calling_out): receivers that fail or hang, calendars that are due (strangers)
journey         machines that share no folder (installation), over servers of the drill's own (services)
cluster         the same machines at work (work, sender), while they are killed, restarted and spoiled
surroundings    the whole product, run by itself (machine), while somebody uses it (watch)
"""

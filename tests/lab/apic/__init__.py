"""An APIC emulator: the REST interface of a Cisco APIC over a managed-object tree in memory.

The modules, from the inside out:

- ``model``       the class table (``classes.json``): names, types, containment; distinguished names
- ``values``      check and normalise one property's value
- ``tree``        managed objects, their indexes, and changes that can be undone
- ``transaction`` one POST or DELETE, applied completely or not at all; ``changes``: its effects
- ``planting``    objects that APIC itself puts into the tree
- ``rules``       checks across properties and objects before a commit
- ``relations``   relation targets, and the faults of missing ones
- ``faults``      other faults, which come and go with their cause; ``conflicts``: what a leaf refuses
- ``query``       the query options of a GET; ``filters``: their filter language
- ``documents``   JSON and XML, in and out
- ``auth``        logins, tokens and request signatures; ``access``: the rights of users
- ``subscriptions`` the queries whose changes are sent over WebSockets
- ``store``       the state that survives a restart
- ``seed``        an ordinary structure (``fabric.yml``) expanded to objects
- ``errors``      error answers with their codes and texts; ``request_log``: the log of requests
- ``misbehaviour`` latency, errors, dropped connections and hangs on demand
- ``apic``        the controller that combines these; ``server`` puts it on the network, with the lab's
  own interface from ``backstage``

Out of scope: statistics, health scores, and the reverse relations (``...Rt...``) at the targets.
"""

from __future__ import annotations

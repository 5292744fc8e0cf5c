"""An APIC emulator: the REST interface of a Cisco APIC over a managed-object tree in memory.

Who does what, from the inside out:

- ``model``       the class table (``classes.json``): names, types, containment; distinguished names
- ``values``      checks and normalises one property's value
- ``tree``        managed objects, their indexes, and changes that can be undone
- ``transaction`` one POST or DELETE, all of it or none; ``changes`` what it did
- ``planting``    what APIC itself puts into the tree, not a client
- ``rules``       what APIC checks across properties and objects before it commits
- ``relations``   relation targets, and the faults of missing ones
- ``faults``      other faults, which come and go with their cause
- ``query``       the query options of a GET; ``filters`` their filter language
- ``documents``   JSON and XML, in and out
- ``auth``        logins, tokens and request signatures
- ``store``       what survives a restart
- ``seed``        an ordinary structure (``fabric.yml``) expanded to objects
- ``errors``      the refusals, with their codes and texts; ``request_log`` who asked what
- ``misbehaviour`` latency, errors, dropped connections and hangs on demand
- ``apic``        all of the above put together; ``server`` puts it on the network, with the lab's
  own interface from ``backstage``; ``cli`` starts it

Out of scope: roles (every user may do everything), subscriptions, statistics, health scores, fault delegates, and the
reverse relations (``...Rt...``) at the targets.
"""

from __future__ import annotations

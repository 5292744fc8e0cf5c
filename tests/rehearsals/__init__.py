"""Rehearsals on the twin: changes of clusters whose predicted effect is compared with the measured one."""

"""Write the seconds from the start of each task to the start of the next one to the file that TASK_TIMES names."""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: notification
short_description: Seconds of each task
description: [For the benchmark of this collection.]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.times = []
        self._begin("start of Ansible")

    def _begin(self, task):
        now = time.time()
        if self.times:
            self.times[-1][1] = now - self.times[-1][1]
        self.times.append([task, now])

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._begin(task.get_name())

    def v2_playbook_on_stats(self, stats):
        self._begin("end")
        with open(os.environ["TASK_TIMES"], "w", encoding="utf-8") as file:
            json.dump(self.times[:-1], file)

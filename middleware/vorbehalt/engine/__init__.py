"""The only orchestration: visit -> identity -> findings -> verdict. Knows no framework."""

from vorbehalt.engine.conduct import Conduct as Conduct
from vorbehalt.engine.conduct import inputs_of as inputs_of
from vorbehalt.engine.considered import Considered as Considered
from vorbehalt.engine.judging import Engine as Engine
from vorbehalt.engine.judging import Outside as Outside
from vorbehalt.engine.judging import Works as Works
from vorbehalt.engine.plan import OPEN_RULE as OPEN_RULE
from vorbehalt.engine.plan import HostPlan as HostPlan
from vorbehalt.engine.plan import reserved_purposes as reserved_purposes
from vorbehalt.engine.robots import breaks_robots as breaks_robots
from vorbehalt.engine.robots import robots_closes as robots_closes
from vorbehalt.engine.robots import violates_robots as violates_robots

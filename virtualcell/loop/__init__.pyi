# Written by tools/help.py: what this package loads on first use

from .acquire import choose_batch as choose_batch
from .campaign import Campaign as Campaign, ingest as ingest, outcomes as outcomes, plan_campaign as plan_campaign, register as register, registered as registered, score_campaign as score_campaign
from .replays import Replay as Replay, model_choice as model_choice, prior_choice as prior_choice, random_choice as random_choice, replay as replay

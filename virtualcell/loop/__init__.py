"""Campaigns: choose, register, ingest, score, replay"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "acquire": ("choose_batch",),
    "campaign": ("Campaign", "ingest", "outcomes", "plan_campaign", "register", "registered", "score_campaign",),
    "replays": ("Replay", "model_choice", "prior_choice", "random_choice", "replay",),
})

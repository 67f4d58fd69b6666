# Written by tools/help.py: what this package loads on first use

from .colony import ColonySimulator as ColonySimulator, Culture as Culture, colony_network as colony_network, simulate_colony as simulate_colony
from .colony_rings import composition as composition, radial_profile as radial_profile, ring_order as ring_order, wiring_screen as wiring_screen
from .examples import example as example, gene_network as gene_network, influences as influences
from .metabolism import FluxModel as FluxModel, TCellCulture as TCellCulture, culture_composite as culture_composite
from .tcell import TCellModel as TCellModel, simulate_tcell_clones as simulate_tcell_clones, summarise_tcell_clones as summarise_tcell_clones, tcell_network as tcell_network
from .tcell_simulator import TCellSimulator as TCellSimulator

"""The words the illustrator knows: concepts, and where each one's drawings are found. Data only; no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """One kind of object: its name, its plural, other words for it, and the icon names it goes by."""

    name: str
    plural: str
    icons: tuple[str, ...]
    hexcode: str
    synonyms: tuple[str, ...] = ()


def _concept(name: str, icons: str, hexcode: str, synonyms: str = "", plural: str = "") -> Concept:
    return Concept(
        name, plural or f"{name}s", tuple(icons.split()), hexcode, tuple(synonyms.split("|")) if synonyms else ()
    )


SMALL: tuple[Concept, ...] = (
    _concept("apple", "red-apple redapple", "1f34e"),
    _concept("lemon", "lemon", "1f34b"),
    _concept("banana", "banana", "1f34c"),
    _concept("strawberry", "strawberry", "1f353", plural="strawberries"),
    _concept("cherry", "cherries", "1f352", "cherries|pair of cherries", plural="cherries"),
    _concept("grapes", "grapes", "1f347", "bunch of grapes", plural="grapes"),
    _concept("watermelon", "watermelon", "1f349", "melon|watermelon slice"),
    _concept("pear", "pear", "1f350"),
    _concept("pineapple", "pineapple", "1f34d", "ananas"),
    _concept("tomato", "tomato", "1f345", plural="tomatoes"),
    _concept("carrot", "carrot", "1f955"),
    _concept("eggplant", "eggplant", "1f346", "aubergine"),
    _concept("mushroom", "mushroom", "1f344", "toadstool"),
    _concept("cheese", "cheese-wedge cheese", "1f9c0", "piece of cheese|wedge of cheese", plural="cheeses"),
    _concept("pizza", "pizza", "1f355", "slice of pizza|pizza slice"),
    _concept("hamburger", "hamburger", "1f354", "burger"),
    _concept("donut", "doughnut", "1f369", "doughnut"),
    _concept("egg", "egg", "1f95a"),
    _concept("tree", "deciduous-tree deciduoustree", "1f333", "leafy tree"),
    _concept("pine tree", "evergreen-tree evergreentree", "1f332", "fir|fir tree|pine|evergreen|christmas tree"),
    _concept("palm tree", "palm-tree palmtree", "1f334", "palm|coconut tree"),
    _concept("cactus", "cactus", "1f335", plural="cacti"),
    _concept("tulip", "tulip", "1f337"),
    _concept("sunflower", "sunflower", "1f33b"),
    _concept("clover", "four-leaf-clover fourleafclover", "1f340", "four leaf clover|shamrock"),
    _concept("star", "star glowing-star", "2b50"),
    _concept("moon", "crescent-moon crescentmoon", "1f319", "crescent|crescent moon"),
    _concept("cloud", "cloud", "2601-fe0f"),
    _concept("fire", "fire", "1f525", "flame|campfire"),
    _concept("heart", "red-heart heart heavyblackheart", "2764-fe0f"),
    _concept("balloon", "balloon", "1f388"),
    _concept("umbrella", "umbrella umbrella-with-rain-drops", "2602-fe0f", "parasol"),
    _concept("snowman", "snowman-without-snow snowman", "26c4", plural="snowmen"),
    _concept("house", "house housebuilding", "1f3e0", "home|cottage|building"),
    _concept("tent", "tent", "26fa"),
    _concept("car", "automobile", "1f697", "automobile|auto"),
    _concept("bus", "bus", "1f68c", plural="buses"),
    _concept("sailboat", "sailboat", "26f5", "boat|sailing boat|ship"),
    _concept("rocket", "rocket", "1f680", "spaceship|space rocket"),
    _concept("gift", "wrapped-gift", "1f381", "present|gift box"),
    _concept("bell", "bell", "1f514"),
    _concept("key", "key", "1f511"),
    _concept("crown", "crown", "1f451"),
    _concept("hat", "top-hat tophat", "1f3a9", "top hat"),
    _concept("book", "closed-book closedbook", "1f4d5"),
    _concept("clock", "alarm-clock alarmclock", "23f0", "alarm clock"),
    _concept("light bulb", "light-bulb lightbulb electriclightbulb", "1f4a1", "bulb|lightbulb|lamp"),
    _concept("cup", "hot-beverage hotbeverage", "2615", "cup of coffee|coffee cup|coffee|cup of tea|teacup"),
    _concept("gem", "gem-stone gemstone", "1f48e", "diamond|jewel|gemstone"),
    _concept("basketball", "basketball", "1f3c0", "ball"),
    _concept("guitar", "guitar", "1f3b8"),
    _concept("cat", "cat-face catface cat", "1f431", "kitten|kitty"),
    _concept("dog", "dog-face dogface dog", "1f436", "puppy"),
    _concept("panda", "panda pandaface panda-face", "1f43c", "panda bear"),
    _concept("pig", "pig-face pigface pig", "1f437", "piggy|piglet"),
    _concept("frog", "frog frogface frog-face", "1f438", "toad"),
    _concept("chick", "baby-chick babychick", "1f424", "baby chick|baby bird|chicken|bird"),
    _concept("penguin", "penguin", "1f427"),
    _concept("owl", "owl", "1f989"),
    _concept("fish", "tropical-fish tropicalfish", "1f420", "tropical fish", plural="fish"),
    _concept("octopus", "octopus", "1f419", plural="octopuses"),
    _concept("butterfly", "butterfly", "1f98b", plural="butterflies"),
    _concept("ladybug", "lady-beetle ladybeetle", "1f41e", "ladybird|beetle"),
    _concept("ghost", "ghost", "1f47b"),
)
"""The small size's 64 concepts: objects with an outline and colours of their own, drawn in nearly every set."""

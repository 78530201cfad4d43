"""The texts of scenarios."""

from __future__ import annotations

STORY = (
    "从前，"
    "海边有一座老灯塔，塔里住着守塔人阿澄和一只叫“芝麻”的橘猫🐈。"
    "每天黄昏，阿澄都要爬上一百零八级台阶，把灯点亮。"
    "芝麻总是跟在后面，数到第三十级就坐下来打哈欠，等着人抱。\n\n"
    "有一年冬天，雾浓得像牛奶，整整七天没有散开。"
    "第七个晚上，灯忽然灭了。阿澄摸黑检查了灯芯、油管和镜片，样样都好好的，可火苗就是点不着。"
    "他翻开塔里那本旧日志，看到前任守塔人留下的一行字："
    "“若灯不亮，先问它累不累。”下面还画着一个小小的公式：\n\n"
    "    光的路程 < 心的路程\n\n"
    "阿澄笑了，觉得这大概是个玩笑🙂。可是外面已经传来了汽笛声——有船正朝礁石开过来！"
    "他来不及多想，就对着灯轻声问道：“老伙计，你是不是累了？”\n\n"
    "灯没有回答，芝麻却“喵”地叫了一声，跳上了灯台，用尾巴扫过落满灰尘的镜片。"
    "灰尘底下露出一道细细的裂缝，冷风正从那里钻进来，一次又一次地把火苗吹熄。"
    "阿澄赶紧脱下围巾，把裂缝堵得严严实实。火柴“嚓”地一响，火苗晃了晃，站住了。🔥\n\n"
    "一道金色的光穿过浓雾，扫过海面，也扫过那艘船的甲板。"
    "船慢慢地转了向，汽笛长长地响了三声，像是在说：谢谢，谢谢，谢谢。"
    "船上的孩子们挤在栏杆边，朝光的方向拼命挥手，虽然谁也看不见谁。\n\n"
    "天亮的时候，雾终于散了🌅。沙滩上放着一只木箱，里面是一块崭新的镜片、一罐小鱼干，还有一封信："
    "“给守塔的人，和那只会修灯的猫。”阿澄把信念给芝麻听，芝麻却只顾着闻那罐小鱼干。\n\n"
    "从那以后，每天点灯之前，阿澄都会先问一句：“老伙计，你累不累？”"
    "然后仔细擦一遍镜片，再检查一遍每一道缝。"
    "而芝麻，也终于学会了自己爬完一百零八级台阶——"
    "当然，前提是塔顶放着小鱼干。🐟\n\n"
    "后来，村里的孩子们常来塔上听这个故事。有人问：“那个公式到底是什么意思呀？”"
    "阿澄想了想，指着海的尽头说：“光能照多远，是镜片决定的；灯能亮多久，是人决定的。"
    "只要还有人惦记着海上的船，夜就永远比路短。”"
    "孩子们似懂非懂地点点头，芝麻在一旁伸了个懒腰，把尾巴盖在鼻子上，睡着了。✨\n"
)

THOUGHTS = (
    "**Reading the Question**\n\nThe user wants the number of primes below 100 that contain the "
    "digit 7. I should list the primes first rather than rely on memory, and then filter "
    "them.\n\n\n",
    "**Listing the Candidates**\n\nPrimes below 100 with a 7: as the last digit 7, 17, 37, 47, 67, "
    "97; as the first digit 71, 73, 79. I note that 27, 57, 77 and 87 are composite.\n\n\n",
    "**Checking the Count**\n\nSix that end in 7 and three that start with it, with no overlap "
    "since 77 = 7 × 11 is no prime. That makes nine.\n\n\n",
)

PRIMES = (
    "There are **nine** primes below 100 that contain the digit 7:\n\n"
    "* ending in 7: 7, 17, 37, 47, 67, 97\n"
    "* starting with 7: 71, 73, 79\n\n"
    "No number is counted twice, because 77 = 7 × 11 is not prime. If you want the same for the "
    "primes below 1000, the sieve of Eratosthenes is the quickest way to get them by hand: strike "
    "out the multiples of 2, 3, 5 and so on up to 31, since 31² < 1000 < 37², and whatever is left "
    "is prime."
)

WEATHER = (
    "In Zürich it is 7 °C and raining lightly. The rain should stop by the evening, so take a "
    "coat, and an umbrella if you leave before six."
)

THREE_CITIES = (
    "Zürich is the coldest of the three with 7 °C and light rain. In 東京 it is mild and dry, and in São Paulo it is "
    "warm: no coat is needed there, but an umbrella in the afternoon is."
)

GROUNDED = (
    "The Jungfraujoch railway station lies 3,454 metres above sea level. It is the highest railway "
    "station in Europe. The line that leads up to it opened in 1912 after sixteen years of work, "
    "most of it in the tunnel through the Eiger and the Mönch."
)

SMOKE = "To make smoke for a stage show, the usual choice is a fog machine with glycol fluid."

TRUNCATED = "The history of cartography begins on clay tablets in Babylonia, where surveyors drew the plots of"

SHORT = (
    "Yes: 2³ < 3², since 8 < 9. It is the only pair of this kind, as Catalan supposed in 1844 and "
    "Mihăilescu proved in 2002."
)

_SKY = (
    ("The Big Dipper", "Start with seven bright stars that everybody can find"),
    ("Polaris", "Five times the distance between the Dipper's two end stars leads to it"),
    ("Cassiopeia", "Across the pole from the Dipper stands a W of five stars"),
    ("Orion", "Three stars in a row make the belt; follow them down to the left"),
    ("Sirius", "The brightest star of the night twinkles in all colours near the horizon"),
    ("The Pleiades", "Count how many of the sisters you see without glasses: six is good, nine is rare"),
    ("Aldebaran", "The orange eye of the Bull marks the end of a small V"),
    ("Capella", "High overhead in winter shines a yellow star that is really four"),
    ("Gemini", "Castor and Pollux stand side by side, one white and one golden"),
    ("The Moon", "Look along the line between light and dark, where the shadows are long"),
    ("Jupiter", "Steady binoculars show up to four moons in a line"),
    ("Saturn", "A small telescope is enough for the rings; nothing prepares you for the sight"),
    ("Arcturus", "Follow the arc of the Dipper's handle to the brightest star of spring"),
    ("Spica", "Keep going along the same arc and you arrive in Virgo"),
    ("Leo", "A question mark turned the wrong way round is the lion's mane"),
    ("Vega", "In summer this blue-white star is nearly overhead"),
    ("Deneb", "The tail of the Swan is far away and enormously bright"),
    ("Altair", "With Vega and Deneb it closes the summer triangle"),
    ("The Milky Way", "Wait twenty minutes in real darkness before you look for it"),
    ("Andromeda", "The faint smudge above the W is the farthest thing the naked eye can see"),
)

_ADVICE = (
    "Give your eyes time: after a quarter of an hour in the dark you will see ten times as many stars.",
    "Write down the date, the hour and the weather; in a year these notes will be worth more than any app.",
    "Use a red torch, because white light spoils your night vision at once.",
    "Lie down if you can; a sore neck ends more evenings than clouds do.",
    "Look slightly beside a faint object, not straight at it: the edge of the eye is more sensitive.",
    "Take somebody along and explain what you see; nothing helps the memory more.",
)

LONG = "Here is a plan for twenty clear nights, each of them for one thing in the sky.\n\n" + "".join(
    f"**Night {night}: {name}.** {hint}. {_ADVICE[night % 6]} {_ADVICE[(night * 5 + 2) % 6]} "
    f"Before you go in, find once more what you learned on the nights before"
    f"{'' if night < 3 else f', from {_SKY[0][0]} to {_SKY[night - 2][0]}'}.\n\n"
    for night, (name, hint) in enumerate(_SKY, start=1)
)

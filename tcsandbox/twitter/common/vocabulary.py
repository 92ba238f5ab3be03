"""The words that simulated posts are made of.  Data only."""

SENTENCES = (
    ("en", "I can not believe what happened on the way to work this morning"),
    ("en", "Reading about it now &amp; it only gets better"),
    ("en", "Somebody please explain this to me 😂😂"),
    ("en", "Live from the conference: a full room and a good question from the back"),
    ("en", "Breaking: the committee has postponed its decision until next week"),
    ("en", "So proud of the whole team tonight 🏆🙌🏽"),
    ("en", "It's raining again ☔️ and the trains are late"),
    ("en", "Who else stayed up for this? 🙋🏿‍♀️"),
    ("fr", "Ce soir à la télé, un café très serré et pas grand-chose d'autre"),
    ("fr", "C'est déjà l'été à Orléans 🌻"),
    ("de", "Heute früh schönes Wetter über Köln, später Schauer"),
    ("de", "Größere Störung bei der S-Bahn, bitte 20 Minuten mehr einplanen"),
    ("es", "¿Alguien más vio el partido anoche? ¡Qué final! ⚽️🔥"),
    ("pt", "Não acredito que já é sexta-feira, graças a Deus 🙏🏾"),
    ("tr", "Günaydın İstanbul, çay hazır 🫖"),
    ("ru", "Сегодня в городе холодно, но солнечно ☀️"),
    ("ar", "صباح الخير يا أصدقاء، يوم جميل للجميع"),
    ("he", "בוקר טוב לכולם, יום נעים"),
    ("hi", "आज मौसम बहुत अच्छा है 🌞"),
    ("ja", "今日はとても寒いですね。温かいラーメンが食べたい🍜"),
    ("ja", "新しいカメラを買いました📷楽しみ"),
    ("ko", "오늘 날씨가 정말 좋네요 🌸"),
    ("th", "วันนี้อากาศดีมาก ไปเที่ยวกันเถอะ"),
    ("zh", "今天的新闻真让人惊讶，大家怎么看？𠮷野家"),
    ("und", "🇳🇱🇧🇷 𝓈𝑜 𝑔𝑜𝑜𝒹 👩‍👩‍👧‍👦"),
)

NAMES = (
    ("Ana Lúcia", "analucia_rj"),
    ("Jörg Weiß", "jweiss71"),
    ("김민지", "minji_k"),
    ("The Daily Ledger", "dailyledger"),
    ("さくら🌸", "sakura_0401"),
    ("Mo", "mo_in_leeds"),
    ("محمد العلي", "m_alali"),
    ("Νίκος Π.", "nikosp"),
    ("Зоя", "zoya_spb"),
    ("#1 Fan of Rain", "rainfan_1"),
    ("Dr. O'Neill", "droneill"),
    ("𝕽𝖆𝖛𝖊𝖓", "raven_xo"),
    ("Priya 🪷", "priya_writes"),
    ('bot \\o/ "test"', "slashbot"),
    ("李雷", "lilei_bj"),
    ("K", "k__________k"),
)

PLACES = ("London", "São Paulo, Brasil", "東京", "Amsterdam 🇳🇱", "somewhere <3", "İzmir", None)

DESCRIPTIONS = (
    "Opinions are my own. RT ≠ endorsement.",
    "journalist | mother of two | ☕️ first",
    "写真と旅行が好きです。無言フォロー失礼します🙇‍♂️",
    "Science, maps & bicycles.\r\nDMs open",
    "Siempre con el equipo ⚽️ \U0001f499\U0001f49b",
    None,
)

SOURCES = (
    '<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>',
    '<a href="http://twitter.com/download/android" rel="nofollow">Twitter for Android</a>',
    '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
    '<a href="https://about.twitter.com/products/tweetdeck" rel="nofollow">TweetDeck</a>',
    '<a href="https://ifttt.com" rel="nofollow">IFTTT</a>',
)

HASHTAGS = ("news", "今日", "FF", "climate", "música", "MondayMotivation", "новости", "art")

SYMBOLS = ("TWTR", "AAPL", "BTC", "GME")

LINKS = (
    ("https://www.example.com/2021/05/the-long-story", "example.com/2021/05/the-lo…"),
    ("http://example.org/?q=a%20b&lang=fr", "example.org/?q=a%20b&lang=…"),
    ("https://news.example.net/articles/48213", "news.example.net/articles/48213"),
    ("https://例え.example/ページ", "例え.example/ページ"),
)

TIME_ZONES = (
    ("Pacific Time (US & Canada)", -28800),
    ("London", 0),
    ("Amsterdam", 3600),
    ("Brasilia", -10800),
    (None, None),
)

PICTURE_SIZES = ((1200, 675), (1080, 1350), (2048, 1536))

POLL_ANSWERS = ("Yes", "No", "Perhaps 🤷", "Show me the results")

"""PURE: frequent place names in German and English press texts, and typical endings of others.

A word that is a common noun too (Essen, Halle, Hof, Reading, Bath) is not included.
"""

import re

PLACES = frozenset(
    """
    Europa Asien Afrika Amerika Australien Ozeanien Arktis Antarktis Europe Asia Africa America
    Deutschland Österreich Schweiz Liechtenstein Luxemburg Belgien Niederlande Holland Frankreich
    Spanien Portugal Italien Malta Griechenland Zypern Türkei Bulgarien Rumänien Ungarn Slowakei
    Slowenien Kroatien Serbien Bosnien Kosovo Albanien Nordmazedonien Montenegro Moldau Ukraine
    Belarus Russland Polen Tschechien Litauen Lettland Estland Finnland Schweden Norwegen Dänemark
    Island Irland Großbritannien England Schottland Wales Nordirland Georgien Armenien
    Aserbaidschan Kasachstan Usbekistan Afghanistan Pakistan Indien Nepal Bangladesch China Tibet
    Hongkong Taiwan Japan Korea Nordkorea Südkorea Vietnam Thailand Myanmar Kambodscha Malaysia
    Singapur Indonesien Philippinen Neuseeland Iran Irak Syrien Libanon Israel Jordanien Jemen
    Katar Kuwait Oman Bahrain Saudi-Arabien Ägypten Libyen Tunesien Algerien Marokko Sudan
    Südsudan Äthiopien Eritrea Somalia Kenia Uganda Ruanda Tansania Kongo Nigeria Ghana Mali Niger
    Senegal Tschad Kamerun Angola Sambia Simbabwe Mosambik Namibia Südafrika Madagaskar USA Kanada
    Mexiko Kuba Haiti Venezuela Kolumbien Ecuador Peru Brasilien Bolivien Chile Argentinien
    Uruguay Paraguay Panama Nicaragua Honduras Guatemala Grönland Gaza Gazastreifen Westjordanland
    Krim Donbass Donezk Luhansk Palästina Kurdistan Vatikan Monaco Andorra Germany Austria
    Switzerland Belgium Netherlands France Spain Italy Greece Cyprus Turkey Bulgaria Romania
    Hungary Slovakia Slovenia Croatia Serbia Bosnia Albania Moldova Russia Poland Czechia
    Lithuania Latvia Estonia Finland Sweden Norway Denmark Iceland Ireland Britain Scotland
    Georgia Armenia Azerbaijan Kazakhstan India Bangladesh Philippines Indonesia Syria Lebanon
    Jordan Yemen Qatar Egypt Libya Tunisia Algeria Morocco Ethiopia Kenya Rwanda Tanzania Zimbabwe
    Mozambique Canada Mexico Cuba Colombia Brazil Bolivia Argentina Greenland Berlin Hamburg
    München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Bremen Dresden Hannover Nürnberg
    Duisburg Bochum Wuppertal Bielefeld Bonn Münster Mannheim Karlsruhe Augsburg Wiesbaden
    Mönchengladbach Gelsenkirchen Aachen Braunschweig Chemnitz Kiel Magdeburg Freiburg Krefeld
    Mainz Lübeck Erfurt Oberhausen Rostock Kassel Potsdam Saarbrücken Hamm Ludwigshafen Mülheim
    Oldenburg Osnabrück Leverkusen Heidelberg Darmstadt Solingen Regensburg Herne Paderborn Neuss
    Ingolstadt Offenbach Fürth Ulm Heilbronn Pforzheim Würzburg Wolfsburg Göttingen Bottrop
    Reutlingen Erlangen Bremerhaven Koblenz Remscheid Bergisch Trier Recklinghausen Jena Moers
    Salzgitter Siegen Gütersloh Hildesheim Hanau Kaiserslautern Cottbus Schwerin Esslingen
    Ludwigsburg Gießen Düren Flensburg Tübingen Konstanz Worms Marburg Lüneburg Bayreuth Bamberg
    Aschaffenburg Landshut Kempten Rosenheim Passau Plauen Zwickau Görlitz Bautzen Halberstadt
    Stralsund Greifswald Wismar Emden Wilhelmshaven Cuxhaven Aurich Leer Stade Celle Goslar Hameln
    Detmold Minden Fulda Wetzlar Gotha Weimar Suhl Eisenach Nordhausen Dessau Wittenberg Stendal
    Husum Heide Itzehoe Neumünster Norderstedt Elmshorn Pinneberg Ahrensburg Bernau Eberswalde
    Oranienburg Rathenow Neuruppin Senftenberg Eisenhüttenstadt Schwedt Prenzlau Templin Lindau
    Friedrichshafen Ravensburg Memmingen Garmisch-Partenkirchen Berchtesgaden Helgoland Sylt Föhr
    Amrum Pellworm Juist Norderney Borkum Langeoog Spiekeroog Wangerooge Baltrum Rügen Usedom
    Hiddensee Fehmarn Norddeich Travemünde Warnemünde Bayern Hessen Sachsen Thüringen Brandenburg
    Saarland Niedersachsen Sachsen-Anhalt Schleswig-Holstein Mecklenburg-Vorpommern
    Nordrhein-Westfalen Rheinland-Pfalz Baden-Württemberg NRW Franken Schwaben Westfalen
    Ostfriesland Eifel Harz Schwarzwald Spreewald Erzgebirge Allgäu Ruhrgebiet Lausitz Uckermark
    Havelland Wien Graz Linz Salzburg Innsbruck Klagenfurt Villach Wels Dornbirn Bregenz
    Eisenstadt Steiermark Kärnten Tirol Vorarlberg Burgenland Oberösterreich Niederösterreich
    Südtirol Bozen Zürich Genf Basel Bern Lausanne Winterthur Luzern Lugano Biel Thun Chur Zug
    Aargau Graubünden Wallis Tessin Waadt Thurgau Vaduz London Paris Rom Madrid Barcelona Lissabon
    Athen Istanbul Ankara Moskau Petersburg Kiew Kyjiw Charkiw Odessa Lwiw Mariupol Cherson
    Saporischschja Minsk Warschau Krakau Danzig Breslau Posen Stettin Prag Brünn Budapest Bukarest
    Sofia Belgrad Zagreb Ljubljana Sarajevo Pristina Tirana Skopje Vilnius Riga Tallinn Helsinki
    Stockholm Göteborg Oslo Kopenhagen Reykjavik Dublin Belfast Edinburgh Glasgow Cardiff
    Manchester Liverpool Birmingham Leeds Sheffield Bristol Brüssel Antwerpen Amsterdam Rotterdam
    Straßburg Lyon Marseille Bordeaux Toulouse Nizza Mailand Turin Venedig Neapel Palermo Florenz
    Bologna Washington Chicago Boston Philadelphia Houston Dallas Denver Seattle Miami Atlanta
    Detroit Toronto Montreal Ottawa Vancouver Peking Shanghai Tokio Seoul Pjöngjang Delhi Mumbai
    Kabul Teheran Bagdad Damaskus Aleppo Beirut Jerusalem Haifa Kairo Tripolis Tunis Algier Rabat
    Khartum Nairobi Lagos Pretoria Johannesburg Kapstadt Sydney Melbourne Canberra Davos Brexit
    Schengen Rhein Elbe Donau Weser Oder Neckar Mosel Spree Havel Isar Themse Seine Wolga Dnipro
    Nordsee Ostsee Mittelmeer Atlantik Pazifik Bodensee Alpen Balkan Kaukasus Baltikum
    Skandinavien
    """.split()  # noqa: SIM905 - words read best as a text
) - {"Oder", "Heide", "Hamm", "Leer", "Wels", "Zug", "Biel", "Niger", "Jordan", "Island", "Turkey",
     "Brexit", "Worms", "Posen", "Chile", "Georgia", "Franken", "Seine", "Bergisch"}  # fmt: skip
"""Names of places; the excluded words are common nouns or words too."""

PLACE_ENDING = re.compile(
    r"[A-ZÄÖÜ][\wäöüß-]{1,20}(?:stadt|stedt|städt|burg|dorf|heim|hausen|furt|fürt|brück|brücken|ingen|büttel"
    r"|wedel|münde|kirchen|rode|roda|itz|hafen|felde|walde|leben|beuren|weiler|hofen|kamp|borg|loh"
    r"|haven|siel|koog|grad|ham|shire|ford|bury|mouth|combe|ton)"
)
"""Frequent endings of place names.

>>> [bool(PLACE_ENDING.fullmatch(each)) for each in ("Osterwedel", "Krummenfurt", "Wasser")]
[True, True, False]
"""
NO_PLACE = re.compile(
    r".*(?:haupt|innen|alt|neu|groß|klein|vor|hansa|hanse|partner|heimat|unter|welt|millionen|kreis|landes)stadt"
    r"|.*(?:flug|see|yacht|jacht|binnen|fischerei|container|fähr|heimat)hafen"
    r"|.*(?:pflege|alten|alters|kinder|tier|senioren|wohn|eigen|jugend|vereins|feuerwehr|ge)heim"
    r"|.*(?:besitz|beton|karton|Ton|kanton|marathon|hitz|spitz|blitz|notiz|schutz)|zeit.*"
    r"|.*(?:strand|sand|ritter|über)burg|.*(?:feriend|berg|nachbard|heimatd)orf|.*schul.*|.*ung"
    r"|.*leben|waggon|.*schling(?:e|en)",
    re.IGNORECASE,
)
"""Common nouns that end like places.

>>> bool(NO_PLACE.fullmatch("Innenstadt")), bool(NO_PLACE.fullmatch("Osterwedel"))
(True, False)
"""


def is_place(word: str) -> bool:
    """Check whether a word is a known place name.

    >>> is_place("Hannover"), is_place("Quellhausen")
    (True, False)
    """
    return word in PLACES


def may_be_place(word: str) -> bool:
    """Check whether a word ends like a place name; the word before it must confirm it.

    >>> may_be_place("Quellhausen"), may_be_place("Innenstadt"), may_be_place("Panik")
    (True, False, False)
    """
    return PLACE_ENDING.fullmatch(word) is not None and NO_PLACE.fullmatch(word) is None

"""Common first names of women and of men, as a sign of the gender of a person.

`given_names.txt` has many more names, among them words that are no names in a text: they tell the
gender of a name, and not whether a word is one.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

FEMALE_NAMES = frozenset(
    "Ada Agnes Alena Alessandra Alexandra Alice Alicia Alina Amanda Amelia Amy Ana Andrea"  # noqa: SIM905
    " Angela Angelika Anita Anja Anke Ann Anna Anne Annegret Annalena Annette Anneliese Antje"
    " Astrid Ayşe Barbara Beata Beate Beth Bettina Birgit Brigitte Britta Camille Carla Carmen"
    " Carol Carola Caroline Catherine Charlotte Chloe Christa Christiane Christina Christine"
    " Claire Clara Claudia Connie Cornelia Cynthia Dagmar Daniela Deborah Denise Diana Doris"
    " Dorothea Edith Elena Eleanor Elisabeth Elizabeth Elke Ella Ellen Elsa Emily Emma Erika"
    " Esther Eva Evelyn Fatima Franziska Frauke Frida Gabriele Geraldine Gertrud Gina Grace"
    " Greta Gudrun Hannah Hanna Heather Heide Heidi Heike Helen Helena Helga Hillary Ilse Ines"
    " Ingrid Irene Iris Isabel Isabella Jacqueline Jana Jane Janet Jasmin Jeanne Jennifer"
    " Jessica Jill Joan Joanna Johanna Joyce Judith Julia Juliane Julie Jutta Karen Karin"
    " Karla Karoline Katarina Kate Katharina Katherine Kathrin Kathy Katie Katja Katrin Kelly"
    " Kerstin Kim Kirsten Klara Kristi Kristin Kristina Laura Lauren Lea Lena Leonie Leslie"
    " Linda Lisa Liz Lucy Luise Madeleine Maike Manuela Mara Margaret Margarete Margot Maria"
    " Marie Marina Marion Marlene Martha Martina Mary Maya Megan Melanie Melissa Mia Michelle"
    " Miriam Monica Monika Nadine Nadja Nancy Natalie Nataliia Natascha Nicole Nina Nora Olga"
    " Olivia Pamela Patricia Paula Petra Pia Rachel Rebecca Regina Renate Ricarda Rita Rosa"
    " Rosemarie Ruth Sabine Sabrina Sally Samantha Sandra Sara Sarah Saskia Sharon Sibylle"
    " Sigrid Silke Silvia Simone Sofia Sonja Sonya Sophia Sophie Stefanie Stephanie Susan"
    " Susanne Svenja Sylvia Tanja Tatjana Theresa Tina Tracy Ulla Ulrike Ursula Ute Valerie"
    " Vanessa Vera Verena Veronika Victoria Viola Waltraud Wendy Wiebke Yvonne".split()
)
MALE_NAMES = frozenset(
    "Aaron Achim Adam Adrian Ahmed Alan Albert Alexander Alex Alfred Ali Andreas Andrew Andy"  # noqa: SIM905
    " Anthony Antonio Armin Arne Arnold Arthur Axel Ben Benedikt Benjamin Bernd Bernhard Bill"
    " Björn Bo Bob Boris Brad Brett Brian Bruce Bruno Carl Carlos Carsten Charles Chris"
    " Christian Christoph Christopher Claus Colin Craig Dan Daniel Dave David Dennis Derek"
    " Detlef Dieter Dirk Dmitri Donald Douglas Dylan Eberhard Eckhard Edmund Eduard Edward"
    " Egon Elias Emmanuel Eric Erich Erik Ernst Erwin Eugen Felix Ferdinand Florian Francis"
    " Frank Franz Frederick Friedrich Fritz Gary Geoffrey Georg George Gerald Gerd Gerhard"
    " Gordon Graham Greg Gregor Günter Günther Guido Gustav Hannes Hans Harald Harry Hartmut"
    " Hasan Heiko Heiner Heinrich Heinz Helmut Hendrik Henning Henry Herbert Hermann Holger"
    " Horst Howard Hubert Hugo Ian Igor Ilja Ingo Ivan Jack Jacob Jakob James Jamie Jan Jason"
    " Jean Jeff Jeffrey Jens Jeremy Jerry Jim Jimmy Joachim Jochen Joe Joel Johann Johannes"
    " John Jonas Jonathan Jörg José Josef Joseph Joshua Juan Julian Julius Jürgen Justin Kai"
    " Karl Karlheinz Karsten Keith Ken Kenneth Kevin Klaus Konrad Konstantin Kurt Lars Larry"
    " Lawrence Leo Leon Leonard Lothar Louis Luca Lucas Ludwig Luis Lukas Lutz Malcolm Manfred"
    " Manuel Marc Marcel Marco Marcus Mario Mark Markus Martin Marvin Mats Matt Matthew"
    " Matthias Max Maximilian Michael Mike Mohammed Moritz Nicholas Nick Niklas Nikolai Nils"
    " Norbert Olaf Oleg Oliver Oskar Otto Owen Pascal Patrick Paul Paulo Peer Peter Phil"
    " Philip Philipp Phillip Pierre Rainer Ralf Ralph Randy Raymond Reiner Reinhard Reinhold"
    " Richard Rick Robert Robin Roger Roland Rolf Roman Ron Ronald Rüdiger Rudolf Ryan Sam"
    " Samuel Scott Sean Sebastian Sergej Siegfried Simon Stefan Steffen Stephan Stephen Steve"
    " Steven Stuart Sven Ted Theodor Theo Thomas Thorsten Till Tim Timothy Tobias Todd Tom"
    " Toni Tony Torsten Udo Ulf Ulrich Uli Uwe Viktor Vincent Volker Volodymyr Walter Walther"
    " Werner Wilhelm William Winfried Wladimir Wolfgang Wolfram".split()
)
FIRST_NAMES = FEMALE_NAMES | MALE_NAMES


@lru_cache(maxsize=4096)  # the words of a name are compared repeatedly
def plain_word(word: str) -> str:
    """Return a word in lower case without accents and punctuation around it.

    >>> plain_word("Zoë,"), plain_word("Jérôme")
    ('zoe', 'jerome')
    """
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip(".,;:'’\"()")


@cache
def given_names() -> Mapping[str, str]:
    """Return known given names as plain words: f or m if only women or only men have one."""
    text = resources.files(__package__).joinpath("given_names.txt").read_text("utf-8")
    lines = (line.partition(" ") for line in text.splitlines()[1:])
    return {name: gender for name, _, gender in lines}


@lru_cache(maxsize=4096)
def tell_gender(first_name: str) -> str:
    """Return f or m for a first name, an empty text if it does not tell.

    >>> tell_gender("Ada"), tell_gender("Jérôme"), tell_gender("Chris-Taylor")
    ('f', 'm', '')
    """
    if first_name in FEMALE_NAMES:
        return "f"
    return "m" if first_name in MALE_NAMES else given_names().get(plain_word(first_name), "")

"""The medicines: each is found by its names, as people type them; none is ever taken for another one."""

import copy
import json
import re
from typing import Any

import pytest
from fhir.resources.R4B.valueset import ValueSet
from hypothesis import given
from hypothesis import strategies as st

from flows import catalogue, medicines, questionnaire
from flows.catalogue import ContentError
from flows.medicines import SYSTEM, Group, Medicine
from flows.names import together
from flows.values import Coding

OURS = catalogue.load_medicines()

TYPED = """
alprazolam: xanex; Zannax; xanacs; zanacks; xannex; alprazalom; alprazelam; alprazolm; aprazolam; alprozalam;
  xanax .5mg; Xanax 0.5 mg 3x a day; my xanax; XANAX!!; xanax bars 2mg; the generic for xanax; alprazolam er 1
  mg; alprazolam 0.25mg prn; half a xanax; xanaxx; zanix; alprazolam (xanax)
clonazepam: klonipin; klonapine; klonopine; clonopine; clonipin; klonopin .5; Klonopin 1mg twice a day;
  klonazapan; clonazapan; clonazpam; clonazopam; clonozapam; clonazepm; clonazepame; klonopins; k pins; K-Pin;
  kolonopin; klonepin; klonnopin; clonezapam; clonazepam odt 0.5 mg
lorazepam: attavan; ativen; adavin; ativan 1 mg as needed; lorazpam; lorazepm; lorazapem; lorasepam; lorezepam;
  loarzepam; lorazepan 0.5mg; Ativan; ativan pills; lorzepam; larazapam; loreev; my ativan; atovan; ativann;
  attivan
diazepam: valuem; valiumm; vallum; diazepm; diazopam; diasepam; dyazepam; dizapam; valium 5mg; 10 mg valium;
  valum; diazepin; valiam; vallium; diazepam at night
temazepam: temazepm; temezepam; tamazapam; restoral; restoril 15; restorial; temazpam; temazapan; restorel
zolpidem: ambean; ambien cr 12.5; ambiem; zolpiden; zolpidim; zolpadem; zolpidem tartrate 10 mg; ambine; abmien;
  ambian
eszopiclone: lunesda; lunesta 3mg; eszopicolone; luneste
chlordiazepoxide: librim; librium 25; chlordiazepoxid; clordiazapoxide; chlordiazopoxide
triazolam: halcion .25; halsion; triazolm; halcyon
oxazepam: oxazepm; oxasepam; oxazopam; serax
clobazam: onfi; clobazm; clobasam
etizolam: etizolm; etizalam; etizolam pellets
gabapentin: gabapenten; gabapintin; gabapentine; nerontin; neurontin 300 mg 3 times a day; nuerontin; gabapetin;
  gabapention; gabbapentin; gaba pentin
pregabalin: lyrika; lirica; pregabalen; pregabaline
trazodone: trazadone 50 mg; trazedone; trasodone; trazodon; trazadon
hydroxyzine: hydroxizine; hydroxyzin; hydroxizin; hydroxyzine pam 25mg; vistril; hydroxzine
sertraline: zoloff; sertaline; sertralene; zoloft 100; setraline
escitalopram: lexapr; lexaprow; escitalopran; excitalopram
bupropion: wellbutrine; wellbutron; bupropian; buproprion xl 300; welbutrin
buspirone: buspar; buspiron; buspirone 10mg; buspirine
propranolol: propanolol; propranalol; propranolol 10 mg; propanalol
clonidine: clonodine; clonidine .1; clonidin; clonadine
oxycodone: oxycoton; percocets; percoset; percaset; oxycodon; oxicontin; oxycodone 5
hydrocodone: vicodine; vicadin; hydrocodon; hydracodone; norco 10
tramadol: tramodal; tramadoll; tramedol; tramadol 50mg
methadone: methodone; methadon; methadone clinic
buprenorphine: suboxone strips; suboxene; saboxone; subutex; bupenorphine; suboxone 8mg
quetiapine: seraquel; seroquel 50; seroquell; quetiapin; seroqul
diphenhydramine: benedril; benydryl; benadryll; benadrill
cyclobenzaprine: flexoril; flexerill; cyclobenzaprene; flexeril 10mg
fluoxetine: prosac; prozack; fluoxatine
duloxetine: cymbalta 60; cimbalta; cymbolta; duloxitine
venlafaxine: effexor xr 75; effexer; affexor; venlafaxene
carisoprodol: soma; carisoprodal; carisopradol
melatonin: melatonine; melotonin; melatonin gummies
lamotrigine: lamictal 100; lamictle; lamotrogine
mirtazapine: mirtazepine; remron; mirtazipine
amitriptyline: amitriptaline; amytriptyline; elavil 25
bromazolam: bromazalam; bromazolm; bromazolam powder
clonazolam: clonazolm; clonazalom
phenibut: phenibute; phenabut; fenibut
alprazolam: xanxa; xnaax; alprzaolam
clonazepam: klnopin; clonzaepam
lorazepam: atvian; lroazepam
diazepam: vlaium; diaezpam
eszopiclone: lunseta
sertraline: zolotf
"""
"""What people type, by what they mean: by ear, in a hurry, with a dose, in the plural."""


def typed() -> list[tuple[str, str]]:
    """Every spelling, with what it means."""
    lines = re.sub(r"\n  ", " ", TYPED.strip()).splitlines()
    return [
        (said.strip(), generic)
        for generic, _, all_said in (line.partition(":") for line in lines)
        for said in all_said.split(";")
    ]


def found(text: str) -> tuple[str, bool] | None:
    """The generic name of what a text names, and whether that is certain."""
    match = OURS.find(text)
    return None if match is None else (match.medicine.generic, match.is_certain)


def test_each_is_found_by_each_of_its_names_for_certain() -> None:
    for medicine in OURS.all:
        for name in medicine.names:
            for text in (name, name.upper(), f"my {name}", f"{name} 1.5 mg twice a day", f"{name}."):
                assert found(text) == (medicine.generic, True), text


@pytest.mark.parametrize(("text", "generic"), typed())
def test_what_people_type_leads_to_the_medicine(text: str, generic: str) -> None:
    match = OURS.find(text)
    assert match is not None
    assert match.medicine.generic == generic
    assert match.is_certain <= any(together(name) in together(text) for name in match.medicine.names)


LOOK_ALIKE = [
    ("clonidine", "clonazepam", "clobazam", "clozapine"),
    ("Klonopin", "clonidine"),
    ("oxazepam", "lorazepam", "oxcarbazepine"),
    ("hydroxyzine", "hydralazine"),
    ("bupropion", "buspirone", "buprenorphine"),
    ("tramadol", "trazodone"),
    ("zolpidem", "zolmitriptan"),
    ("Xanax", "Zantac", "Zanaflex"),
    ("Celexa", "Celebrex"),
    ("Prozac", "ProSom", "Prilosec"),
    ("Serax", "Seroquel"),
    ("Halcion", "Haldol"),
    ("methadone", "Metadate"),
    ("clonazepam", "clonazolam"),
    ("diazepam", "diclazepam", "diltiazem"),
    ("Valium", "valerian", "Valtrex"),
    ("flurazepam", "fluoxetine", "flunitrazepam"),
    ("temazepam", "nitrazepam", "medazepam"),
]


@pytest.mark.parametrize("names", LOOK_ALIKE)
def test_of_names_that_look_alike_each_leads_to_its_own(names: tuple[str, ...]) -> None:
    matches = [OURS.find(name) for name in names]
    assert all(match is not None and match.is_certain for match in matches)
    assert len({match.medicine.generic for match in matches if match is not None}) == len(names)


@pytest.mark.parametrize("names", LOOK_ALIKE)
def test_a_name_of_look_alikes_with_one_wrong_letter_is_never_certain(names: tuple[str, ...]) -> None:
    known = {together(name) for medicine in OURS.all for name in medicine.names}
    for name in names:
        for at in range(len(name)):
            for wrong in (name[:at] + name[at + 1 :], name[:at] + "o" + name[at + 1 :], name[:at] + "z" + name[at:]):
                match = OURS.find(wrong)
                assert together(wrong) in known or match is None or not match.is_certain, wrong


def test_no_listed_word_is_more_like_another_medicine() -> None:
    """What is listed counts for certain. So by the other names alone, it must not lead to another medicine."""
    for medicine in OURS.all:
        words = [name for name in medicine.also if together(name) == name.casefold()]
        if not words:
            continue
        bare = Medicine(medicine.generic, medicine.groups, medicine.brands)
        rest = medicines.load([entry(bare if other is medicine else other) for other in OURS.all])
        for word in words:
            match = rest.find(word)
            assert match is None or match.medicine.generic == medicine.generic, word


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1 mg", "0.5", "my", "???", "pills", "none", "nothing", "I don't know", "not sure", "no", "yes"),
        *("a small white pill", "something for sleep", "the blue one", "water", "benzo", "benzos", "done", "mg mg mg"),
        *("not xanax", "I never took Klonopin", "stopped ativan", "anything but valium", "no clonazepam"),
        *("xanax and klonopin", "klonopin, ambien", "Ativan or Xanax", "oxazepam lorazepam", "clonazepam/clonidine"),
        *("hydroxalazine", "clonapine", "lorazapine", "clonazapine", "zantax", "lorazolam"),  # as like one as another
        "the clinic near my house wrote klonapim",
        "I used to take " + "so many different things " * 6 + "xanax",
    ],
)
def test_what_names_none_or_several_is_not_guessed(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize(
    ("text", "generic"),
    [
        ("xanax from a friend", "alprazolam"),
        ("xanax with wine", "alprazolam"),
        ("I think it was lorazepam", "lorazepam"),
        ("alpraz", "alprazolam"),
        ("clonazep", "clonazepam"),
    ],
)
def test_a_name_among_other_words_or_half_a_name_is_asked_back(text: str, generic: str) -> None:
    assert found(text) == (generic, False)


@pytest.mark.parametrize(
    ("text", "generic"),
    [
        ("tylenol 3 twice a day", "codeine"),
        ("Tylenol #3", "codeine"),
        ("tylenol 500 mg", "acetaminophen"),
        ("Tylenol PM", "diphenhydramine"),
        ("fake xanax bars", "pill from an unknown source"),
        ("Xanax XR", "alprazolam"),
        ("kava kava", "kava"),
    ],
)
def test_the_longest_name_counts(text: str, generic: str) -> None:
    assert found(text) == (generic, True)


ODD = st.text(st.characters(categories=["Cs", "Cf", "Mn", "Nd", "No", "Lo"]), max_size=20)


@given(st.one_of(st.text(max_size=300), ODD, ODD.map("xanax {}".format), st.sampled_from(typed()).map(str)))
def test_any_text_can_be_looked_up_and_is_certain_only_with_a_name_in_it(text: str) -> None:
    match = OURS.find(text)
    assert match is None or match.is_certain <= any(together(name) in together(text) for name in match.medicine.names)


def test_there_are_enough_of_every_group() -> None:
    groups = {group: [medicine for medicine in OURS.all if group in medicine.groups] for group in Group}
    assert all(groups.values())
    assert sum(not medicine.is_tapered for medicine in OURS.all) >= 60
    by_cyp3a4 = {medicine.generic: str(medicine.cyp3a4) for medicine in OURS.all if medicine.cyp3a4 is not None}
    assert by_cyp3a4 == {"alprazolam": "full", "triazolam": "full", "diazepam": "full", "clonazepam": "limited"}
    assert [medicine.label for medicine in OURS.all if medicine.is_tapered][:6] == [
        *("Alprazolam (Xanax)", "Clonazepam (Klonopin)", "Lorazepam (Ativan)", "Diazepam (Valium)"),
        *("Temazepam (Restoril)", "Zolpidem (Ambien)"),
    ]


def entry(medicine: Medicine) -> dict[str, Any]:
    """A medicine as the file would have it, by its names."""
    names = {"generic": medicine.generic, "brands": list(medicine.brands), "also": list(medicine.also)}
    return {**names, "groups": [str(group) for group in medicine.groups]}


GOOD: dict[str, Any] = {
    "generic": "alprazolam",
    "brands": ["Xanax"],
    "groups": ["benzodiazepine"],
    "ashton_mg": [0.5, 0.5],
    "source": "Ashton",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"groups": ["vitamin"]}, "medicine alprazolam: 'vitamin' is not a valid Group"),
        ({"groups": []}, "medicine alprazolam: groups is missing"),
        ({"groups": "opioid"}, "medicine alprazolam: groups must be names"),
        ({"brands": [5]}, "medicine alprazolam: brands must be names"),
        ({"also": ["?!"]}, "medicine alprazolam: also must be names"),
        ({"generic": 7}, "medicine 7: generic must be names"),
        ({"generic": None}, "medicine None: generic must be names"),
        ({"ashton_mg": 0.5}, "medicine alprazolam: ashton_mg must be [least, most]"),
        ({"ashton_mg": [2, 1]}, "medicine alprazolam: ashton_mg: the least stands before the most"),
        ({"ashton_mg": [0, 1]}, "medicine alprazolam: ashton_mg must be a number above zero, found 0"),
        ({"vadod_mg": "one"}, "medicine alprazolam: vadod_mg must be a number above zero, found 'one'"),
        ({"vadod_mg": True}, "medicine alprazolam: vadod_mg must be a number above zero, found True"),
        ({"half_life_h": [1, 2, 3]}, "medicine alprazolam: half_life_h must be [least, most]"),
        ({"cyp3a4": "some"}, "medicine alprazolam: 'some' is not a valid Cyp3a4"),
        ({"source": ""}, "medicine alprazolam: its numbers need a source"),
        ({"colour": "white"}, "medicine alprazolam: colour is unknown; there are: also, ashton_mg"),
    ],
)
def test_a_bad_entry_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        medicines.load([{**GOOD, **change}])


def test_an_entry_without_its_generic_name_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("medicine ?: generic is missing")):
        medicines.load([{"groups": ["other"]}])


def test_a_name_can_lead_to_one_medicine_only() -> None:
    other = {"generic": "clonazepam", "groups": ["benzodiazepine"], "also": ["X-anax"]}
    with pytest.raises(ValueError, match="medicine clonazepam: the name X-anax leads to alprazolam too"):
        medicines.load([GOOD, other])
    with pytest.raises(ValueError, match="medicine alprazolam: it stands twice"):
        medicines.load([GOOD, GOOD])


def test_without_anything_to_taper_there_is_no_clinic() -> None:
    with pytest.raises(ValueError, match="no medicine that is tapered"):
        medicines.load([{"generic": "kava", "groups": ["sedative"]}])


def test_the_file_and_the_entry_are_named(tmp_path: Any) -> None:
    (tmp_path / "medicines.yaml").write_text("- {generic: kava, groups: [tea]}\n")
    with pytest.raises(ContentError, match=re.escape("medicines.yaml, medicine kava: 'tea' is not a valid Group")):
        catalogue.load_medicines(tmp_path)


def test_a_clinics_own_file_stands_in_front(tmp_path: Any) -> None:
    (tmp_path / "medicines.yaml").write_text(json.dumps([GOOD]))
    assert [medicine.generic for medicine in catalogue.load_medicines(tmp_path).all] == ["alprazolam"]


# As FHIR value sets

BENZODIAZEPINES = "https://taperline.example/ValueSet/benzodiazepines"
MEDICINES = "https://taperline.example/ValueSet/medicines"


def test_the_value_sets_are_valid_fhir_and_list_what_they_say() -> None:
    for address, listed in OURS.value_sets.items():
        ValueSet.model_validate(copy.deepcopy(dict(listed)))
        assert listed["url"] == address
    tapered, everything = (OURS.value_sets[address]["compose"] for address in (BENZODIAZEPINES, MEDICINES))
    assert {concept["code"] for concept in tapered["include"][0]["concept"]} == {
        medicine.generic for medicine in OURS.all if medicine.is_tapered
    }
    assert len(everything["include"][0]["concept"]) == len(OURS.all)
    assert "exclude" not in everything


def asking(address: str, **more: Any) -> str:
    control = {"coding": [{"code": "autocomplete"}]}
    url = "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl"
    extension = [{"url": url, "valueCodeableConcept": control}]
    item = {"linkId": "m", "type": "open-choice", "text": "Which?", "extension": extension, "answerValueSet": address}
    return json.dumps({"resourceType": "Questionnaire", "status": "active", "item": [item], **more})


def test_a_form_that_names_a_value_set_is_kept_whole() -> None:
    text = questionnaire.complete(asking(BENZODIAZEPINES), "form.json", OURS.value_sets)
    form = questionnaire.load(text, "form.json")
    (item,) = form.items
    assert [option.label for option in item.options][:2] == ["Alprazolam (Xanax)", "Clonazepam (Klonopin)"]
    assert item.options[0].value == Coding("alprazolam", SYSTEM)
    assert "zanax" in item.options[0].also
    assert "clonidine" in item.others
    assert questionnaire.load(form.source, "again").items == form.items


@pytest.mark.parametrize("address", [f"{BENZODIAZEPINES}|1.0", MEDICINES])
def test_an_address_can_carry_a_version_and_an_id_can_be_taken(address: str) -> None:
    contained = [{"resourceType": "ValueSet", "id": "benzodiazepines", "status": "draft"}]
    text = questionnaire.complete(asking(address, contained=contained), "form.json", OURS.value_sets)
    resource = json.loads(text)
    ids = [part["id"] for part in resource["contained"]]
    assert len(ids) == len(set(ids)) == 2
    assert resource["item"][0]["answerValueSet"] == f"#{ids[1]}"
    assert questionnaire.load(text, "form.json").items[0].options


def test_a_value_set_that_the_form_brings_itself_stays() -> None:
    listed = {"include": [{"system": "urn:x", "concept": [{"code": "tea"}]}]}
    own = {"resourceType": "ValueSet", "id": "mine", "url": MEDICINES, "status": "active", "compose": listed}
    text = asking(MEDICINES, contained=[own])
    assert questionnaire.complete(text, "form.json", OURS.value_sets) == text


@pytest.mark.parametrize(
    "text",
    [
        asking("https://elsewhere.example/ValueSet/medicines"),
        asking("#m", title=f"About {MEDICINES}"),
        f"[{json.dumps(MEDICINES)}]",
        asking(MEDICINES, contained=5),
        asking(MEDICINES, item=5),
        asking(MEDICINES, item=[5, {"item": 7, "text": MEDICINES}]),
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert questionnaire.complete(text, "form.json", OURS.value_sets) == text

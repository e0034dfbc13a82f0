package field

import (
	"slices"
	"strings"
	"unicode"
)

// trait is something by which many laws forbid to treat people differently, and the words by which fields call it. They are in
// small letters; without an accent they stand for words with and without it. A star stands for any letters; several words in
// a row are one entry, joined by a dash.
type trait struct {
	name  string
	plain string // name it wherever they stand
	bare  string // have other meanings: they name it when all words beside them are companions
}

var traits = []trait{{
	name:  "gender",
	plain: "gender* transgender *geschlecht* sex sexe sexo sesso kjonn* kjoenn* kön geslacht plec płeć pronouns",
	bare:  "genero genere male female",
}, {
	name: "age",
	plain: "dob birthdate birthyear dateofbirth yearofbirth birth-date date-birth birth-year year-birth geburtsdatum geburtstag geburtsjahr " +
		"date-naissance annee-naissance fecha-nacimiento ano-nacimiento data-nascita anno-nascita data-nascimento fodselsdato fodselsar " +
		"fodt fodelsedatum geboortedatum agegroup ageband agerange agebracket altersgruppe altersklasse aldersgruppe",
	bare: "age ages aged alter edad età idade alder leeftijd wiek birth birthday anniversaire cumpleanos compleanno",
}, {
	name:  "race or ethnicity",
	plain: "ethni* etni* racial hispanic hautfarbe skin-color skin-colour couleur-peau color-piel hudfarge caste",
	bare:  "race races rasse raza raca razza ras ancestry indigenous",
}, {
	name:  "religion",
	plain: "religi* konfession* konfesjon* kirchensteuer livssyn trossamfunn croyance* creed",
	bare:  "faith confession confessione glaube belief beliefs",
}, {
	name: "nationality or origin",
	plain: "nationalit* nacionalid* nazionalit* nasjonalitet* citizenship* staatsangehorig* staatsangehoerig* staatsburgerschaft* " +
		"staatsbuergerschaft* cittadinanza ciudadania cidadania citoyennete statsborger* medborgarskap obywatelstwo immigrant* innvandr* " +
		"migrationshintergrund refugee national-origin birthplace birth-country country-birth birth-place place-birth native-country " +
		"geburtsland geburtsort pays-naissance lieu-naissance pais-nacimiento lugar-nacimiento paese-nascita luogo-nascita fodeland",
	bare: "citizen",
}, {
	name: "disability",
	plain: "disabilit* disabled-person *behinder* invalidit* discapacid* discapacitad* minusvalia funksjonshem* funksjonsned* funktionsneds* " +
		"ufore* wheelchair visual-impairment hearing-impairment",
	bare: "handicap handicapped handicape impairment",
}, {
	name:  "pregnancy",
	plain: "pregnan* *schwanger* enceinte grossesse embaraz* incinta gravidanza gravid gravida mutterschutz mutterschaft*",
	bare:  "maternity maternite maternidad maternita",
}, {
	name: "health",
	plain: "illness* disease* medication* *krankheit* gesundheitszustand gesundheitsstatus maladie* enfermedad* malattia* sykdom* sjukdom* " +
		"helsetilstand allerg* asthma diabet* hiv bmi dementia autis* genetic* biometric* blutgruppe health-condition health-status " +
		"medical-condition medical-history mental-health blood-type blood-group blood-pressure etat-sante estado-salud stato-salute",
	bare: "health gesundheit sante salud salute helse diagnosis diagnose",
}, {
	name:  "sexual orientation",
	plain: "sexual* sexuell* seksuell* sessual* homosexual* bisexual* lgbt*",
	bare:  "gay lesbian queer",
}, {
	name: "trade union membership",
	plain: "trade-union labor-union labour-union gewerkschaft* syndicat syndicats syndical* syndique* sindicat* sindical* sindacat* sindacal* " +
		"fagforening* fackforening*",
	bare: "union-member union-membership unionized unionised",
}, {
	name: "political opinion",
	plain: "political* politisch* politisk* politico partisan* partei* parteizugehorigkeit party-affiliation party-membership voting-preference " +
		"voting-intention affiliation-politique opinion-politique opinion-politica afiliacion-politica",
	bare: "politics politik politique politica ideology",
}, {
	name:  "marital status",
	plain: "marital* familienstand zivilstand civil-status estado-civil etat-civil situation-familiale stato-civile sivilstand* sivilstatus",
	bare:  "married divorced verheiratet",
}}

// companions are words beside which a word with several meanings is still about a person: the age of a customer, not of an
// account.
var companions = strings.Fields("customer customers client clients person persons people user users consumer subscriber member " +
	"patient employee applicant contact owner holder head is has my own self reported declared stated given known current exact " +
	"approximate estimated inferred predicted code codes id key name label text type class category group groups band bracket range " +
	"bucket bin level value no number flag indicator status state desc description in at year years yrs month months day date " +
	"signup registration " +
	"kunde kunden personen gruppe klasse stufe kategorie jahre jahren " +
	"groupe tranche classe personne ans en cliente persona grupo rango anos fascia gruppo anni trinn ar")

// joints are words that join others and say nothing.
var joints = strings.Fields("of the a and or by de du des d la le l del di della da do der die das von og och av")

// Protected returns what a field seems to tell of people that laws protect, by its name or by its declared type; empty: nothing.
// It goes by whole words: a page, an image and the age of an account are no age.
func Protected(name, kind string) string {
	for _, text := range []string{name, kind} {
		words := wordsOf(text)
		for i := range traits {
			if named(words, traits[i].plain, false) || named(words, traits[i].bare, true) {
				return traits[i].name
			}
		}
	}
	return ""
}

// named reports whether one of some entries stands among the words, alone if it has to: with nothing but companions.
func named(words []string, entries string, alone bool) bool {
	for entry := range strings.FieldsSeq(entries) {
		parts := strings.Split(entry, "-")
		for i := 0; i+len(parts) <= len(words); i++ {
			if !slices.EqualFunc(words[i:i+len(parts)], parts, is) {
				continue
			}
			beside := slices.Concat(words[:i], words[i+len(parts):])
			if !alone || !slices.ContainsFunc(beside, func(word string) bool { return !companion(word) }) {
				return true
			}
		}
	}
	return false
}

func companion(word string) bool {
	return len(word) == 1 || slices.Contains(companions, unaccented(word))
}

// is reports whether a word is the one of an entry.
func is(word, entry string) bool {
	for _, word := range []string{word, unaccented(word)} {
		stem, open := strings.CutSuffix(entry, "*")
		end, inside := strings.CutPrefix(stem, "*")
		switch {
		case word == entry, inside && strings.Contains(word, end), !inside && open && strings.HasPrefix(word, stem):
			return true
		}
	}
	return false
}

// wordsOf splits a name into its words, in small letters: date_of_birth, DateOfBirth, and "Date of birth" are date and birth.
func wordsOf(name string) (words []string) {
	var word []rune
	end := func() {
		if text := strings.ToLower(string(word)); text != "" && !slices.Contains(joints, text) {
			words = append(words, text)
		}
		word = word[:0]
	}
	letters := []rune(name)
	for i, r := range letters {
		switch {
		case unicode.Is(unicode.Mn, r): // the accent of the letter before it
			continue
		case !unicode.IsLetter(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])):
			end()
		}
		word = append(word, r)
	}
	end()
	return words
}

// unaccented returns a word without the accents of European languages.
func unaccented(word string) string { return accents.Replace(word) }

var accents = strings.NewReplacer(
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e", "ì", "i", "í", "i",
	"î", "i", "ï", "i", "ñ", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ù", "u", "ú", "u", "û", "u", "ü", "u",
	"ß", "ss", "ł", "l", "ć", "c", "ę", "e", "ś", "s",
)

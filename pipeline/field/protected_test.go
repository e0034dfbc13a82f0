package field_test

import (
	"testing"

	"kindred/pipeline/field"
)

func TestFieldsThatLookProtectedAreFoundByTheirWords(t *testing.T) {
	check := func(want string, names ...string) {
		t.Helper()
		for _, name := range names {
			if got := field.Protected(name, ""); got != want {
				t.Errorf("%s looks like %q, want %q", name, got, want)
			}
		}
	}
	check("gender", "Gender", "gender_code", "customerGender", "GENDER", "sex", "Sexe", "sexo", "sesso", "Geschlecht", "Kundengeschlecht",
		"kjønn", "Kjonn", "Género", "is_female", "Q17 gender")
	check("age", "Age", "AGE", "age_group", "AgeGroup", "customer_age", "age_18_25", "Age at signup", "âge", "a\u0302ge", "Alter", "Edad",
		"età", "Alder", "DateOfBirth", "date_of_birth", "birthDate", "Geburtsdatum", "date de naissance", "Fecha de nacimiento", "fødselsår")
	check("race or ethnicity", "race", "Race_Code", "ethnicity", "Ethnie", "etnisitet", "skin colour", "Raza", "razza")
	check("religion", "religion", "ReligiousAffiliation", "Religionszugehörigkeit", "religión", "Konfession", "faith")
	check("nationality or origin", "nationality", "Nationalität", "nationalité", "Nacionalidad", "nasjonalitet", "Staatsangehörigkeit",
		"country_of_birth", "native-country", "citizenship", "cittadinanza")
	check("disability", "disability", "hasDisability", "Schwerbehinderung", "discapacidad", "disabilità", "funksjonshemming", "handicap")
	check("pregnancy", "pregnant", "isPregnant", "Schwangerschaft", "grossesse", "embarazada", "gravid")
	check("health", "health", "Health_Status", "HealthCondition", "mental health", "Krankheiten", "État de santé", "salud", "sykdom", "diagnosis")
	check("sexual orientation", "sexual_orientation", "SexualOrientation", "sexuelle Orientierung", "orientación sexual", "orientamento sessuale")
	check("trade union membership", "trade_union", "unionMember", "Gewerkschaft", "syndicat", "sindicato", "sindacato", "fagforening")
	check("political opinion", "political_party", "party affiliation", "politische Meinung", "opinion politique", "politics", "Parteizugehörigkeit")
	check("marital status", "marital.status", "Familienstand", "estado civil", "sivilstand")

	check("", "Page", "pages_per_visit", "Usage", "data_usage", "Stage", "image", "sextant", "trace", "Sussex", "message", "Language", "Average",
		"Teenager", "Agency", "Agenda", "account_age", "AgeOfAccount", "vehicleAge", "max_age", "delivery_eta", "ETA", "race_distance", "bracelet",
		"embrace", "folgender_Betrag", "music_genre", "genero_musical", "disabled", "Invalid", "credit_union_member", "Union", "reunion",
		"health_score", "healthcare_spend", "privacy_policy", "Politique de confidentialité", "politica_privacidad", "third_party", "party_size",
		"golf_handicap", "alternative", "Alteration", "Plan", "City", "Country", "Birthday_voucher", "Tenure", "Contract", "nation_wide", "Sales",
		"female_products_bought", "good_faith_estimate", "Ras_pi", "maternity_wear_orders", "internationalCalls")
	if got := field.Protected("Segment", "Person.Gender"); got != "gender" {
		t.Errorf("by its declared type it looks like %q", got)
	}
	for _, kind := range []string{"LongType", "StringType", "category", "Web.Page", ""} {
		if got := field.Protected("Segment", kind); got != "" {
			t.Errorf("type %q looks like %q", kind, got)
		}
	}
}

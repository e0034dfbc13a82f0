package demo

import (
	"strconv"

	"kindred/schemas"
)

// category is a field with a few values. Which one a customer has follows from the traits it leans on and from chance.
type category struct {
	name   string
	of     string // its declared type
	leans  [traitCount]float32
	chance float32 // how much of it is chance, beside leans
	absent float32 // 0..1, share of customers that have no value
	values []value // in the order of the sum of leans and chance
}

type value struct {
	text  string
	below float32 // the customer has it when the sum, made to deviate by 1, is below this
}

// categories are the fields that an expansion can learn from. Those that lean on comfort and adventure set VIPs apart most.
var categories = []category{
	{name: "Gender", of: "Person.Gender", leans: lean{family: 0.2}, chance: 1,
		values: even("M", "F", "X")},
	{name: "AgeGroup", of: "Person.AgeGroup", leans: lean{age: 1}, chance: 0.15,
		values: even("18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+")},
	{name: "Region", of: "Address.Region", leans: lean{urban: 0.2}, chance: 1,
		values: even("North Coast", "Fens", "High Moor", "Lake District", "West Valley", "Midlands", "Old Forest",
			"South Downs", "East Bay", "River Delta", "Capital")},
	{name: "Settlement", of: "Address.Settlement", leans: lean{urban: 1}, chance: 0.3,
		values: even("hamlet", "village", "small town", "town", "city")},
	{name: "Household", of: "Person.Household", leans: lean{family: 1}, chance: 0.7, absent: 0.05,
		values: even("single", "shared", "couple", "young family", "family", "three generations")},
	{name: "Housing", of: "Person.Housing", leans: lean{comfort: 0.6, family: 0.5}, chance: 1, absent: 0.1,
		values: even("rents a room", "rents a flat", "rents a house", "owns a flat", "owns a house")},
	{name: "Occupation", of: "Person.Occupation", leans: lean{comfort: 0.8, age: 0.2}, chance: 1, absent: 0.2,
		values: even("student", "care", "trade", "retail", "crafts", "education", "administration", "engineering",
			"medicine", "management", "retired")},
	{name: "Membership", of: "Loyalty.Level", leans: lean{comfort: 0.9, adventure: 0.2}, chance: 1,
		values: even("none", "bronze", "silver", "gold")},
	{name: "TravelStyle", of: "Interest.Travel", leans: lean{adventure: 1, comfort: 0.2}, chance: 0.8, absent: 0.1,
		values: even("stays at home", "day trips", "package tours", "city breaks", "round trips", "long distance")},
	{name: "FavouriteSport", of: "Interest.Sport", leans: lean{adventure: 0.8, age: -0.5}, chance: 1, absent: 0.25,
		values: even("bowls", "walking", "golf", "swimming", "tennis", "running", "cycling", "climbing", "sailing")},
	{name: "FavouriteCategory", of: "Interest.Category", leans: lean{comfort: 0.4, digital: 0.5}, chance: 1,
		values: even("groceries", "household", "garden", "books", "toys", "clothing", "beauty", "electronics", "design")},
	{name: "Coffee", of: "Interest.Coffee", leans: lean{comfort: 0.5, urban: 0.5}, chance: 1, absent: 0.3,
		values: even("none", "instant", "filter", "capsules", "espresso", "flat white")},
	{name: "Channel", of: "Order.Channel", leans: lean{digital: 1}, chance: 0.5,
		values: even("store", "phone", "web", "app")},
	{name: "Payment", of: "Order.Payment", leans: lean{digital: 0.8, comfort: 0.4}, chance: 0.9,
		values: even("cash", "invoice", "direct debit", "debit card", "credit card", "wallet")},
	{name: "Delivery", of: "Order.Delivery", leans: lean{comfort: 0.7, digital: 0.3}, chance: 1,
		values: even("pick-up", "standard", "express", "same day")},
	{name: "Basket", of: "Order.Basket", leans: lean{comfort: 0.8, family: 0.4}, chance: 0.9,
		values: even("XS", "S", "M", "L", "XL")},
	{name: "MaritalStatus", of: "Person.MaritalStatus", leans: lean{family: 0.8, age: 0.5}, chance: 0.8, absent: 0.1,
		values: even("unmarried", "married", "divorced", "widowed")},
}

// lean is shorter to read than the array it is.
type lean = [traitCount]float32

// even makes values that about the same number of customers have each.
func even(texts ...string) []value {
	values := make([]value, len(texts))
	for i, text := range texts {
		values[i] = value{text: text, below: quantile(float64(i+1) / float64(len(texts)))}
	}
	return values
}

// Fields declares the fields, as upstream would.
func Fields() []schemas.Field {
	var fields []schemas.Field
	for _, category := range categories {
		fields = append(fields, schemas.Field{Name: category.name, Type: category.of, Sensitive: category.name == "MaritalStatus"})
	}
	return append(fields,
		schemas.Field{Name: "Age", Type: "IntType"},
		schemas.Field{Name: "OrdersLastYear", Type: "IntType", Label: "Orders in the last year"},
		schemas.Field{Name: "AverageOrder", Type: "DoubleType", Label: "Average order value"},
		schemas.Field{Name: "AppInstalled", Type: "BooleanType"},
		schemas.Field{Name: "Nickname", Type: "StringType"},
	)
}

// appendProfile appends a whole profile. The traits were drawn from chance; the fields are drawn from it now.
func appendProfile(dst []byte, customer int, traits *traits, chance *chance, profiling bool) []byte {
	dst = append(dst, `{"customerId":"`...)
	dst = AppendID(dst, customer)
	dst = append(dst, `","fields":{`...)
	for i := range prepared {
		dst = prepared[i].append(dst, traits, chance)
	}
	dst = append(dst, `"Age":`...)
	dst = strconv.AppendInt(dst, int64(min(max(46+17*traits[age], 18), 98)), 10)
	dst = append(dst, `,"OrdersLastYear":`...)
	dst = strconv.AppendInt(dst, int64(max(8+4*traits[comfort]+4*chance.normal(), 0)), 10)
	dst = append(dst, `,"AverageOrder":`...)
	cents := int64(max(4500+2200*traits[comfort]+1200*chance.normal(), 199))
	dst = strconv.AppendInt(dst, cents/100, 10)
	dst = append(dst, '.', byte('0'+cents/10%10), byte('0'+cents%10))
	dst = append(dst, `,"AppInstalled":`...)
	dst = strconv.AppendBool(dst, traits[digital]+chance.normal() > 0)
	dst = append(dst, `,"Nickname":"`...)
	dst = appendNickname(dst, chance.next())
	dst = append(dst, `"}`...)
	if !profiling {
		dst = append(dst, `,"profiling":false`...)
	}
	return append(dst, '}')
}

// appendNickname appends one of 144,000 names: more than a field may have values to be learned from.
func appendNickname(dst []byte, z uint64) []byte {
	colours := [...]string{"amber", "blue", "copper", "green", "grey", "ivory", "lilac", "olive", "red", "silver", "teal", "white"}
	animals := [...]string{"badger", "crane", "finch", "fox", "hare", "heron", "lynx", "otter", "owl", "seal", "stork", "wren"}
	dst = append(dst, colours[z%uint64(len(colours))]...)
	dst = append(dst, '-')
	dst = append(dst, animals[z>>16%uint64(len(animals))]...)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, z>>32%1000, 10)
}

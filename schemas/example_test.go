package schemas_test

import (
	"errors"
	"fmt"

	"kindred/schemas"
)

func ExampleProfile_Decode() {
	var p schemas.Profile // one value decodes a whole stream
	if err := p.Decode([]byte(`{"customerId":"c-17","fields":{"City":"Oslo","Age":41.0,"Phone":null}}`)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s consents: %v\n", p.CustomerID, p.Profiling)
	for i := range p.Fields {
		fmt.Printf("%s is %s\n", p.Fields[i].Name, schemas.AppendCanonical(nil, &p.Fields[i]))
	}

	err := p.Decode([]byte(`{"fields":{"City":"Oslo","City":"Bergen"}}`))
	if malformed, ok := errors.AsType[*schemas.Malformed](err); ok {
		fmt.Printf("%s: %v\n", malformed.Code, err)
	}
	// Output:
	// c-17 consents: true
	// City is "Oslo"
	// Age is 41
	// Phone is null
	// schema: a name stands twice in an object, before byte 32
}

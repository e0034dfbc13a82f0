package control

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"kindred/schemas"
)

// What the controller writes must fit into the batch that a topic takes by default, 1,048,588 bytes. The largest record is that
// of an expansion. At the worst, in bytes of JSON:
//
//	the definition: fields as one request had them                                 65,536
//	                100 segments that are suppressed, of 203                       20,300
//	                50 tags of 100 characters, of which each may take 6            30,200
//	                name, source, candidates, numbers                               4,000
//	the run under way: its request, renamed meanwhile                              65,536 + 31,500
//	                its report                                                    220,000
//	what waits                                                                    160,000
//	the report of the last successful run                                         220,000
//	the error of the last run: two texts of 1,000 bytes of which each may take 6   12,000
//	20 ids of requests, of 255 bytes of which 3 may take 6                          10,300
//	the source as last seen in 1,024 shards                                        52,000
//	everything else                                                                 4,000
//
// That is 897,000 in all; TestTheLargestRecordOfAnExpansionFitsItsTopic makes most of it. What was written before there were
// these bounds may be larger, so the size is looked at before a decision. What cannot be refused, such as the end of a run, makes
// a record smaller or hardly larger, and has the rest.
const (
	largestRecord = 900_000
	largestModel  = 1_000_000 // of each partition of models

	mostWaiting    = 8       // requests of one expansion, for another edit to be taken
	largestWaiting = 160_000 // bytes of JSON of these

	longestText  = 1000 // bytes of a text for people in an event of a run
	longestEvery = 50   // bytes of refresh.every
	leastEvery   = time.Minute
)

// encode returns the JSON of a value as kindred writes it: characters that mean something in HTML only are not escaped, which
// would make six bytes of each.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// recordSize returns how many bytes the record of an expansion takes, nil: none. One that cannot be encoded is too large for
// every bound.
func recordSize(e *schemas.Expansion) int {
	if e == nil {
		return 0
	}
	raw, err := encode(withLists(e))
	if err != nil {
		return 1 << 30
	}
	return len(raw)
}

// tooMuchWaits reports whether more waits of an expansion than there is room for.
func tooMuchWaits(e *schemas.Expansion) bool {
	raw, err := encode(e.Pending)
	return err != nil || len(e.Pending) > mostWaiting || len(raw) > largestWaiting
}

// recordTooLarge refuses what would make the record of an expansion so large that its topic would not take it.
func recordTooLarge(size int) *schemas.RunError {
	if size >= 1<<30 {
		return schemas.Refuse(schemas.CodeInternal, "please report this", "the report of the run holds what is no number")
	}
	return schemas.Refuse(schemas.CodeBadValue, "name fewer fields, segments and tags, or shorter ones",
		"the record of the expansion would have %d bytes, more than %d", size, largestRecord)
}

// modelTooLarge refuses a model of so many bytes that a topic would not take it.
func modelTooLarge(size int) *schemas.RunError {
	return schemas.Refuse(schemas.CodeBadField, "name fewer fields (--field)",
		"the model of so many fields and values has %d bytes, more than %d", size, largestModel)
}

// refusedBySize returns an error when a request is too large as a whole: as it came, or as it would be kept.
func refusedBySize(r *request) *schemas.RunError {
	size := r.size
	if raw, err := encode(&r.ExpandRequest); err == nil {
		size = max(size, len(raw))
	}
	if size <= schemas.LargestRequest {
		return nil
	}
	return schemas.Refuse(schemas.CodeBadValue, "name fewer fields, segments and tags, or shorter ones",
		"the request has %d bytes, more than %d", size, schemas.LargestRequest)
}

// refusedByBounds returns which list of a request is too long, or has an entry that is; nil when none is.
func refusedByBounds(r *schemas.ExpandRequest) *schemas.RunError {
	bad := func(hint, format string, args ...any) *schemas.RunError {
		return schemas.Refuse(schemas.CodeBadValue, hint, format, args...)
	}
	if r.Fields != nil {
		if n := len(*r.Fields); n > schemas.MostFields {
			return bad("name those that tell customers apart", "fields has %d entries, more than %d", n, schemas.MostFields)
		}
		for i, name := range *r.Fields {
			if len(name) > schemas.LongestFieldName {
				return bad("no field has so long a name: it would not be kept",
					"fields[%d] has %d bytes, more than %d", i, len(name), schemas.LongestFieldName)
			}
		}
	}
	if r.Suppress != nil && len(*r.Suppress) > schemas.MostSuppressed {
		return bad("make one segment of them", "suppress has %d entries, more than %d", len(*r.Suppress), schemas.MostSuppressed)
	}
	if r.Tags != nil {
		if n := len(*r.Tags); n > schemas.MostTags {
			return bad("leave some out", "tags has %d entries, more than %d", n, schemas.MostTags)
		}
		for i, tag := range *r.Tags {
			if n := utf8.RuneCountInString(tag); n > schemas.LongestTag {
				return bad("shorten it", "tags[%d] has %d characters, more than %d", i, n, schemas.LongestTag)
			}
		}
	}
	return nil
}

// bounded returns an event of a run whose texts are not too long: they may come from anywhere.
func bounded(r schemas.Run) *schemas.Run {
	r.Detail = schemas.Shorten(r.Detail, longestText)
	if r.Error != nil {
		r.Error = &schemas.RunError{
			Code: r.Error.Code, Message: schemas.Shorten(r.Error.Message, longestText), Hint: schemas.Shorten(r.Error.Hint, longestText),
		}
	}
	return &r
}

package schemas

// DataEvent is upstream's message that it has completed a load.
type DataEvent struct {
	Source  string `json:"source"`
	BatchID string `json:"batchId"`
	Kind    string `json:"kind"`
}

// Decode reads a data event. The record's key names the source. Other properties may be there: nothing comes of them, and the
// one that matters must be there under its own name.
func (e *DataEvent) Decode(key, value []byte) error {
	*e = DataEvent{}
	var s scanner
	s.start(value)
	for property := range s.properties("", "source", "batchId", "kind") {
		switch property {
		case "source":
			e.Source = s.something()
		case "batchId":
			e.BatchID = s.something()
		case "kind":
			e.Kind = s.string()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := decidedByKey(key, &e.Source); err != nil {
		return err
	}
	if e.BatchID == "" {
		return malformed(WrongSchema, "a data event must have a batchId")
	}
	return nil
}

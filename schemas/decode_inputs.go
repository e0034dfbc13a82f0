package schemas

// Decode reads the declaration of a field. The record's key names the field.
func (f *Field) Decode(key, value []byte) error {
	*f = Field{}
	var s scanner
	s.start(value)
	for s.open('{'); s.more('}'); {
		switch string(s.newName()) {
		case "name":
			f.Name = s.something()
		case "type":
			f.Type = s.string()
		case "label":
			f.Label = s.string()
		case "sensitive":
			f.Sensitive = s.boolean()
		default:
			s.skip()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := decidedByKey(key, &f.Name); err != nil {
		return err
	}
	if f.Name == "" {
		return malformed(WrongSchema, "a field must have a name")
	}
	return nil
}

// Decode reads a change of a segment or a part of a snapshot. The record's key names the segment.
func (c *SegmentChange) Decode(key, value []byte) error {
	*c = SegmentChange{}
	var s scanner
	s.start(value)
	for s.open('{'); s.more('}'); {
		switch string(s.newName()) {
		case "segmentId":
			c.SegmentID = s.segment()
		case "name":
			c.Name = s.atMost(longestName)
		case "added":
			c.Added = s.customers()
		case "removed":
			c.Removed = s.customers()
		case "snapshot":
			c.Snapshot = s.atMost(longestSnapshot)
			if c.Snapshot == "" {
				s.fail(WrongSchema, "a snapshot has no id")
			}
		case "part":
			c.Part = int(s.between(1, mostParts))
		case "parts":
			c.Parts = int(s.between(1, mostParts))
		case "members":
			c.Members = s.customers()
		default:
			s.skip()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := decidedByKey(key, &c.SegmentID); err != nil {
		return err
	}
	if err := ValidSegmentID(c.SegmentID); err != nil {
		return err
	}
	return c.eitherOr()
}

// These bound what must be remembered of a segment: it has to fit into one record.
const (
	longestSnapshot = 200  // bytes of a snapshot's id
	longestName     = 1000 // bytes of a segment's name
	mostParts       = 100000
)

// eitherOr demands that it is a change or a part of a snapshot, not both.
func (c *SegmentChange) eitherOr() error {
	if c.Snapshot == "" {
		if c.Part != 0 || c.Parts != 0 || c.Members != nil {
			return malformed(WrongSchema, "members, part and parts need a snapshot")
		}
		return nil
	}
	switch {
	case c.Added != nil || c.Removed != nil:
		return malformed(WrongSchema, "a part of a snapshot has members, not added or removed")
	case c.Part < 1 || c.Part > c.Parts:
		return malformed(WrongSchema, "a snapshot has parts, and part is one of them")
	}
	return nil
}

// Decode reads a data event. The record's key names the source.
func (e *DataEvent) Decode(key, value []byte) error {
	*e = DataEvent{}
	var s scanner
	s.start(value)
	for s.open('{'); s.more('}'); {
		switch string(s.newName()) {
		case "source":
			e.Source = s.something()
		case "batchId":
			e.BatchID = s.something()
		case "kind":
			e.Kind = s.string()
		default:
			s.skip()
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

// Decode reads an expand request. The record's key names the expansion. Whether what it asks for can be is not
// looked at: a run says that.
func (r *ExpandRequest) Decode(key, value []byte) error {
	*r = ExpandRequest{}
	var s scanner
	s.start(value)
	for s.open('{'); s.more('}'); {
		name := string(s.newName())
		if !r.identity(&s, name) && !r.property(&s, name) {
			s.skip()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := decidedByKey(key, &r.ExpansionID); err != nil {
		return err
	}
	return r.readable()
}

// identity reads what says which request it is; false: name is none of it.
func (r *ExpandRequest) identity(s *scanner, name string) bool {
	switch name {
	case "requestId":
		r.RequestID = s.request()
	case "action":
		r.Action = Action(s.string())
	case "expansionId":
		r.ExpansionID = s.expansion()
	case "cause":
		r.Cause = Cause(s.something())
	case "force":
		r.Force = s.boolean()
	case "dryRun":
		r.DryRun = s.boolean()
	default:
		return false
	}
	return true
}

// property reads what an expansion can be defined by; false: name is none of it.
func (r *ExpandRequest) property(s *scanner, name string) bool {
	switch name {
	case "sourceSegmentId":
		r.SourceSegmentID = new(s.segment())
	case "name":
		r.Name = new(s.string())
	case "fields":
		r.Fields = new(s.strings())
	case "candidates":
		r.Candidates = new(s.candidates())
	case "suppress":
		r.Suppress = new(s.segments())
	case "excludeSource":
		r.ExcludeSource = new(s.boolean())
	case "share":
		r.Share = new(s.number())
	case "count":
		r.Count = new(s.integer())
	case "floor":
		r.Floor = new(s.number())
	case "preset":
		r.Preset = new(s.string())
	case "tags":
		r.Tags = new(s.strings())
	case "refresh":
		r.Refresh = new(s.refresh())
	default:
		return false
	}
	return true
}

func (s *scanner) candidates() (c Candidates) {
	for s.open('{'); s.more('}'); {
		switch string(s.newName()) {
		case "segmentId":
			c.SegmentID = s.segment()
		default:
			s.skip()
		}
	}
	return c
}

func (s *scanner) refresh() RefreshPolicy {
	p := RefreshPolicy{OnDataEvent: true}
	for s.open('{'); s.more('}'); {
		switch string(s.newName()) {
		case "onDataEvent":
			p.OnDataEvent = s.boolean()
		case "sourceChange":
			p.SourceChange = s.number()
		case "every":
			p.Every = s.string()
		default:
			s.skip()
		}
	}
	return p
}

// readable demands an action that there is, and for expand a source.
func (r *ExpandRequest) readable() error {
	switch r.Action {
	case Expand, Edit, Refresh, Cancel, Rename, Delete:
	default:
		return malformed(WrongSchema, "action must be expand, edit, refresh, cancel, rename or delete")
	}
	switch r.Cause {
	case "", CauseExpand, CauseEdit, CauseRefresh, CauseDataEvent, CauseSourceChange, CauseSchedule, CauseCancel,
		CauseRename, CauseDelete:
	default:
		return malformed(WrongSchema, "cause is none that there is")
	}
	if r.Action == Expand && r.SourceSegmentID == nil {
		return malformed(WrongSchema, "expand needs a sourceSegmentId")
	}
	return ValidExpansionID(r.ExpansionID)
}

// decidedByKey demands that a value that names an id names that of its record's key. A record without a key is
// named by its value.
func decidedByKey(key []byte, id *string) error {
	switch {
	case len(key) == 0 || string(key) == *id:
		return nil
	case *id == "":
		*id = string(key)
		return nil
	}
	return malformed(KeyMismatch, "the value names another id than the record's key")
}

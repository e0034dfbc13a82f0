package cache_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/format"

	"pgregory.net/rapid"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

func mirror(t testing.TB) *owner { return &owner{Mirror: cache.New(3), t: t} }

func TestUnchangedProfileIsNotDirty(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo","Age":41,"Member":true}`)
	o.save()
	before := contents(t, s)
	for _, same := range []string{
		`{"City":"Oslo","Age":41,"Member":true}`,
		`{"Member":true,"Age":41.0,"City":"Oslo"}`,
		`{"City":"\u004fslo","Age":4.1e1,"Member":true,"Note":null}`,
	} {
		if o.set("c-1", same) {
			t.Errorf("%s is no change", same)
		}
	}
	for key := range before { // what is not dirty is not written
		if key != s.Prefix+"{3}:meta" {
			s.Redis.Del(t.Context(), key)
		}
	}
	o.save()
	if keys := keysOf(t, s); len(keys) != 1 {
		t.Errorf("written: %v", keys)
	}
	if !o.set("c-1", `{"City":"Oslo","Age":41}`) || !o.set("c-1", `{"City":"Oslo","Age":41,"Member":true}`) {
		t.Error("a value that goes, or comes, is a change")
	}
}

func TestRowsGrowInWidth(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	const customers = 30
	fields := func(n, customer int) string {
		text := "{"
		for f := range n {
			if f > 0 {
				text += ","
			}
			if f%3 == 0 {
				text += fmt.Sprintf(`"f%d":%d`, f, customer*100+f)
			} else {
				text += fmt.Sprintf(`"f%d":"v%d"`, f, customer%7+f)
			}
		}
		return text + "}"
	}
	for c := range customers {
		o.set(strconv.Itoa(c), fields(c+1, c)) // each brings one more field
		if c%4 == 0 {
			o.save()
		}
	}
	o.save()
	width := len(o.Row(0))
	check := func(what string, list []format.Field, row func(int) []byte) {
		t.Helper()
		for c := range customers {
			for f := range customers {
				want := ""
				if f <= c {
					want = fmt.Sprintf(`"v%d"`, c%7+f)
					if f%3 == 0 {
						want = strconv.Itoa(c*100 + f)
					}
				}
				if got := has(list, row(c), fmt.Sprintf("f%d", f)); got != want {
					t.Fatalf("%s: customer %d has %s in field %d, want %s", what, c, got, f, want)
				}
				if got := numberIn(list[f], row(c)); got != number(want) {
					t.Fatalf("%s: customer %d has number %d in field %d, want %d", what, c, got, f, number(want))
				}
			}
		}
	}
	check("the mirror", o.Fields(), o.Row)
	v := scan(t, s, cache.Want{})
	check("a view", v.Fields, v.Row)
	o = takeOver(t, s)
	check("the next owner", o.Fields(), o.Row)
	if width%8 != 0 || width < 1+customers+4*customers/3 || v.Width != width {
		t.Fatalf("width %d and %d", width, v.Width)
	}
}

func TestAFieldMayHoldItsFirstNumberLate(t *testing.T) {
	o := mirror(t)
	o.set("a", `{"A":"x","B":"y","C":"z","D":"1","E":"2","F":"3","G":"4"}`) // the row is full
	o.set("b", `{"G":7,"A":"x"}`)
	f := o.Fields()
	if has(f, o.Row(0), "G") != `"4"` || has(f, o.Row(1), "G") != "7" || numberIn(f[6], o.Row(0)) != 0 || numberIn(f[6], o.Row(1)) != number("7") {
		t.Fatalf("rows %v and %v", o.Row(0), o.Row(1))
	}
}

func TestMoreThan256FieldsAreReportedNotKept(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	text := []byte(`{"Nested":{"a":[1]}`)
	for f := range 300 {
		text = fmt.Appendf(text, `,"f%d":%d`, f, f)
	}
	o.set("c-1", string(append(text, '}')))
	o.save()
	v := scan(t, s, cache.Want{})
	for _, unkept := range []cache.Unkept{o.Unkept(), v.Unkept, takeOver(t, s).Unkept()} {
		if len(unkept.Beyond) != 300-256 || unkept.Beyond[0] != "f256" || !slices.Equal(unkept.Nested, []string{"Nested"}) {
			t.Fatalf("not kept: %+v", unkept)
		}
	}
	if len(v.Fields) != 256 || has(v.Fields, v.Row(0), "f255") != "255" || numberIn(v.Fields[255], v.Row(0)) != number("255") {
		t.Fatalf("%d fields are kept", len(v.Fields))
	}
}

func TestUnknownPropertiesAreReported(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	var p schemas.Profile
	for i := range 300 {
		if err := p.Decode(fmt.Appendf(nil, `{"fields":{},"p%d":1,"%s":2}`, i, strings.Repeat("ø", 200))); err != nil {
			t.Fatal(err)
		}
		o.SetProfile(o.Take([]byte("c-1")), &p)
	}
	o.save()
	long := strings.Repeat("ø", 18) + "…"
	for _, unkept := range []cache.Unkept{o.Unkept(), scan(t, s, cache.Want{}).Unkept, takeOver(t, s).Unkept()} {
		if len(unkept.Unknown) != 256 || unkept.Unknown[0] != "p0" || unkept.Unknown[1] != long {
			t.Fatalf("unknown: %q", unkept.Unknown)
		}
	}
}

// One profile cannot make a shard keep megabytes: a long name is reported, a long text counted.
func TestLongNamesAndTextsAreNotKept(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	name, text := strings.Repeat("ä", 300_000), strings.Repeat("x", 1001)
	o.set("c-1", fmt.Sprintf(`{%q:"a","City":%q,"Plan":"pro"}`, name, text))
	o.set("c-2", fmt.Sprintf(`{"City":%q,"Plan":%q}`, text[:1000], text))
	o.set("c-3", fmt.Sprintf(`{"City":"Oslo","Plan":%q}`, text+"y"))
	o.set("c-3", `{"City":"Oslo","Plan":"free"}`)
	o.save()
	for _, m := range []*cache.Mirror{o.Mirror, takeOver(t, s).Mirror} {
		if long := m.Unkept().Long; len(long) != 1 || !strings.HasPrefix(long[0], "ääää") || len(long[0]) > 50 {
			t.Fatalf("reported are %q", long)
		}
		fields := m.Fields()
		if len(fields) != 2 || len(fields[0].Values) != 3 || len(fields[1].Values) != 3 {
			t.Fatalf("kept are %d fields", len(fields))
		}
		if counts := m.Counts(0); counts[255] != 1 || fields[0].Overflow {
			t.Errorf("City: %d customers with a long text, overflow %v", counts[255], fields[0].Overflow)
		}
		if counts := m.Counts(1); counts[255] != 1 || fields[1].Overflow {
			t.Errorf("Plan: %d customers with a long text, overflow %v", counts[255], fields[1].Overflow)
		}
	}
	if v := scan(t, s, cache.Want{}); has(v.Fields, v.Row(2), "Plan") != `"free"` || has(v.Fields, v.Row(0), "Plan") != `"pro"` {
		t.Error("the others' values are lost")
	}
}

func TestSlotsOfIDsGrow(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	var ids []string
	for i := range 2*cache.BlockRows + 10 {
		ids = append(ids, strconv.Itoa(i))
	}
	long := string(bytes.Repeat([]byte("é"), 127))
	for i, id := range ids {
		if i == cache.BlockRows+7 {
			ids[i] = long
			id = long
		}
		if row := o.Take([]byte(id)); row != i {
			t.Fatalf("%s got row %d", id, row)
		}
		if i == 100 {
			o.save()
		}
	}
	o.save()
	v := scan(t, s, cache.Want{})
	o = takeOver(t, s)
	for i, id := range ids {
		if string(v.ID(i)) != id || string(o.ID(i)) != id || o.row(id) != i {
			t.Fatalf("row %d has id %q and %q, want %q", i, v.ID(i), o.ID(i), id)
		}
	}
	if short, tall := len(v.IDs(0)), len(v.IDs(1)); short != 4*cache.BlockRows || tall != 254*cache.BlockRows {
		t.Fatalf("blocks of ids have %d and %d bytes: a long id costs its own block only", short, tall)
	}
	if len(v.IDs(2)) > 36*cache.BlockRows {
		t.Fatal("the block after pays for the long id too")
	}
}

func TestFieldOverflowsAtThe255thValue(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for i := range 254 {
		o.set(strconv.Itoa(i), fmt.Sprintf(`{"Mail":"secret%d@x","Age":%d}`, i, i%5))
	}
	if f := o.Fields()[0]; f.Overflow || has(o.Fields(), o.Row(253), "Mail") != `"secret253@x"` {
		t.Fatal("254 values are kept")
	}
	o.set("3", `{"Mail":"another@x","Age":3}`) // in place of its last value: still 254
	if o.Fields()[0].Overflow {
		t.Fatal("a value in place of one that goes is not one more")
	}
	o.save()
	before := o.Version()
	o.set("254", `{"Mail":"secret254@x","Age":1}`)
	f := o.Fields()[0]
	if !f.Overflow || len(f.Values) > 1 || o.Version() == before || o.Counts(0)[255] != 255 {
		t.Fatalf("after the 255th value: %+v", f)
	}
	for row := range o.Rows() {
		if o.Row(row)[f.Code] != 255 {
			t.Fatalf("row %d has code %d", row, o.Row(row)[f.Code])
		}
	}
	o.set("255", `{"Age":1}`)
	o.set("0", `{"Age":0}`)
	o.save()
	if leaves(t, s, "secret") || leaves(t, s, "another") {
		t.Fatal("a value of a field with too many is still there")
	}
	o = takeOver(t, s)
	if !o.Fields()[0].Overflow || o.Counts(0)[255] != 254 || o.Counts(1)[0] != 0 {
		t.Fatalf("the next owner counts %d", o.Counts(0)[255])
	}
	if o.set("7", `{"Mail":"other@x","Age":2}`) {
		t.Fatal("which of too many values it is changes nothing")
	}
}

func TestNumberOfAnOverflowedFieldIsKept(t *testing.T) {
	o := mirror(t)
	for i := range 400 {
		o.set(strconv.Itoa(i), fmt.Sprintf(`{"Income":%d}`, 1000+i*64))
	}
	f := o.Fields()[0]
	for i := range 400 {
		if got := numberIn(f, o.Row(i)); !f.Overflow || got != format.Key(float64(1000+i*64)) {
			t.Fatalf("row %d has number %d", i, got)
		}
	}
}

func TestValueThatNobodyHasIsWiped(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("a", `{"City":"Hammerfest"}`)
	o.set("b", `{"City":"Oslo"}`)
	o.save()
	o.set("a", `{"City":"Oslo"}`)
	o.save()
	if leaves(t, s, "Hammerfest") || !leaves(t, s, "Oslo") {
		t.Fatal("the cache keeps a value that nobody has")
	}
	o = takeOver(t, s)
	for i := range 300 { // codes are used again only when there is no other
		o.set("a", fmt.Sprintf(`{"City":"C%d"}`, i))
		if got := has(o.Fields(), o.Row(o.row("a")), "City"); got != fmt.Sprintf(`"C%d"`, i) || o.Fields()[0].Overflow {
			t.Fatalf("value %d reads %s", i, got)
		}
	}
}

// A profile is set as a whole or not at all, whatever stops it.
func TestAPanicHalfWayLeavesEverythingAsItWas(t *testing.T) {
	o := mirror(t)
	o.set("ann", `{"City":"Hammerfest","Age":41,"Plan":"gold","Mail":"ann@x","Note":"n"}`)
	for i := range 253 {
		o.set(strconv.Itoa(i), fmt.Sprintf(`{"City":"Oslo","Age":7,"Plan":"gold","Mail":"%d@x"}`, i))
	}
	o.set("bob", `{"Age":7}`)
	type field struct {
		name     string
		overflow bool
		values   []string
		counts   [256]int32
	}
	seen := func() (fields []field, rows [][]byte) {
		for position, f := range o.Fields() {
			fields = append(fields, field{f.Name, f.Overflow, slices.Clone(f.Values), *o.Counts(position)})
		}
		for row := range o.Rows() {
			rows = append(rows, slices.Clone(o.Row(row)))
		}
		return fields, rows
	}
	fields, rows := seen()
	for id, profile := range map[string]string{
		"ann": `{"fields":{"City":"Oslo","Age":8,"Mail":"new@x","Plan":"gold","Note":"m"}}`,       // wipes, learns, keeps
		"bob": `{"fields":{"City":"Bergen","Age":8.5,"Mail":"new@x","Plan":"silver","Note":"m"}}`, // the mail is one too many
	} {
		p := decoded(t, profile)
		p.Fields[4].Kind = 99
		func() {
			defer func() {
				if recover() == nil {
					t.Fatal("a value that is none was kept")
				}
			}()
			o.SetProfile(o.row(id), p)
		}()
		switch nowFields, nowRows := seen(); {
		case !reflect.DeepEqual(nowRows, rows):
			t.Errorf("%s: the rows have changed", id)
		case !reflect.DeepEqual(nowFields, fields):
			t.Errorf("%s: the fields were\n%+v\nand are\n%+v", id, fields, nowFields)
		}
	}
	if o.EraseProfile(o.row("bob")); o.Counts(0)[1] != 1 || o.Counts(1)[2] != 253 || o.Fields()[3].Overflow {
		t.Error("what was left of the profile took part in the next change")
	}
}

func TestErasureLeavesAtMostTheBareID(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for _, id := range []string{"erase-me", "revoke-me", "other"} {
		o.set(id, `{"City":"City of `+id+`","Age":41}`)
		o.SetMember("vip", o.row(id), true, 0)
	}
	o.save()
	o.EraseProfile(o.row("erase-me"))
	o.SetProfile(o.row("revoke-me"), decoded(t, `{"fields":{"City":"City of revoke-me"},"profiling":false}`))
	if o.Release(o.row("erase-me")) {
		t.Fatal("who is in a segment keeps a row")
	}
	o.save()
	if leaves(t, s, "City of erase-me") || leaves(t, s, "City of revoke-me") {
		t.Fatal("a value is left")
	}
	v := scan(t, s, cache.Want{})
	for row, flags := range []byte{1, 3, 7} {
		bytes := slices.Clone(v.Row(row))
		if bytes[0] != flags {
			t.Fatalf("row %d has flags %d", row, bytes[0])
		}
		if clear(bytes[:1]); flags != 7 && !slices.Equal(bytes, make([]byte, v.Width)) {
			t.Fatalf("row %d still says %v", row, bytes)
		}
	}
	row := o.row("erase-me")
	o.SetMember("vip", row, false, 0)
	if !o.Release(row) || o.Release(row) || o.InUse(row) {
		t.Fatal("who is in nothing is freed, once")
	}
	o.save()
	if leaves(t, s, "erase-me") {
		t.Fatal("the id is left")
	}
}

func TestReleaseWaitsForWhatNamesTheCustomer(t *testing.T) {
	o := mirror(t)
	row := o.Take([]byte("a"))
	o.SetMember("vip", row, true, 9)
	if o.Release(row) {
		t.Fatal("a snapshot that is being collected names the customer")
	}
	o.Mark("vip", 9, false)
	o.Mark("vip", 10, false)
	o.Published("x", true).Set(row, cache.Unknown)
	if o.Release(row) {
		t.Fatal("an unknown state must be answered")
	}
	o.Published("x", true).Set(row, cache.None)
	if !o.Release(row) {
		t.Fatal("nothing names the customer")
	}
}

func TestReleasedRowsAreUsedAgainByTheNextOwnerOnly(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for _, id := range []string{"a", "b", "c"} {
		o.Take([]byte(id))
	}
	o.Release(0)
	o.Release(1)
	o.save()
	if row := o.Take([]byte("d")); row != 3 {
		t.Fatalf("d got row %d", row)
	}
	o.save()
	o = takeOver(t, s)
	if e, f, g := o.Take([]byte("e")), o.Take([]byte("f")), o.Take([]byte("g")); e != 0 || f != 1 || g != 4 {
		t.Fatalf("e, f, g got rows %d, %d, %d", e, f, g)
	}
	o.save()
	v := scan(t, s, cache.Want{})
	for row, id := range []string{"e", "f", "c", "d", "g"} {
		if string(v.ID(row)) != id {
			t.Fatalf("row %d is %s's, want %s", row, v.ID(row), id)
		}
	}
	if row, ok := v.Find([]byte("c")); row != 2 || !ok {
		t.Fatalf("c is found in %d, %t", row, ok)
	}
}

func TestIndexFindsWhoIsThereAndNobodyElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := cache.New(3)
		rows := map[string]int{}
		for i := range rapid.IntRange(0, 3000).Draw(t, "customers") {
			id := strconv.Itoa(i)
			rows[id] = o.Take([]byte(id))
		}
		every := rapid.IntRange(2, 9).Draw(t, "every")
		for i := 0; i < len(rows); i += every {
			o.Release(i)
		}
		for id, row := range rows {
			got, ok := o.Find([]byte(id))
			if released := row%every == 0; ok == released || ok && got != row {
				t.Fatalf("%s is found in %d, %t; it got %d", id, got, ok, row)
			}
		}
		if _, ok := o.Find([]byte("x")); ok {
			t.Fatal("somebody else is found")
		}
	})
}

func TestStatesComeBack(t *testing.T) {
	seen := map[cache.State]bool{}
	for band := range cache.Bands {
		for score := range 10_001 {
			s := cache.PackState(band, score)
			if !s.Member() || s.Band() != band || s.Score() != score || seen[s] {
				t.Fatalf("band %d, score %d became %d", band, score, s)
			}
			seen[s] = true
		}
	}
	if cache.None.Member() || cache.Unknown.Member() {
		t.Fatal("who is not published is no member")
	}
}

func TestSnapshotIsNotWhatComesAfter(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("a", `{"City":"Oslo"}`)
	o.meta.Expansions["x"] = &cache.Progress{Epoch: 1}
	save := o.Snapshot(o.meta)
	o.set("a", `{"City":"Bergen"}`)
	o.meta.Expansions["x"].Epoch = 2
	if err := o.writer.Exec(t.Context(), save); err != nil {
		t.Fatal(err)
	}
	v := scan(t, s, cache.Want{})
	if has(v.Fields, v.Row(0), "City") != `"Oslo"` || v.Meta.Expansions["x"].Epoch != 1 {
		t.Fatal("the save holds what came after it")
	}
	o.save()
	v = scan(t, s, cache.Want{})
	if has(v.Fields, v.Row(0), "City") != `"Bergen"` || v.Meta.Expansions["x"].Epoch != 2 {
		t.Fatal("what came after the first save is not in the second")
	}
}

func TestSettingProfilesAllocatesNothing(t *testing.T) {
	o := mirror(t)
	one, two := twenty(1), twenty(2)
	row, other := o.Take([]byte("a")), o.Take([]byte("b"))
	third := o.Take([]byte("c"))
	o.SetProfile(other, one)
	o.SetProfile(third, two)
	if n := testing.AllocsPerRun(100, func() { o.SetProfile(row, one); o.SetProfile(row, two) }); n > 0 {
		t.Fatalf("%g allocations", n)
	}
}

// twenty is a profile of twenty fields of categories.
func twenty(seed int) *schemas.Profile {
	p := &schemas.Profile{Profiling: true}
	for f := range 20 {
		p.Fields = append(p.Fields, schemas.FieldValue{
			Name: fmt.Appendf(nil, "Field%02d", f), Kind: schemas.String, Text: fmt.Appendf(nil, "value %d", (seed*7+f*3)%(2+f)),
		})
	}
	return p
}

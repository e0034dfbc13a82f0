package cache

import "strconv"

// keys are the Redis keys of one shard. The braces keep them in one slot of a cluster. No name of a field and no id
// of a customer is ever part of a key.
type keys string

func keysOf(prefix string, shard int) keys {
	return keys(prefix + "{" + strconv.Itoa(shard) + "}:")
}

func (k keys) meta() string                  { return string(k) + "meta" }
func (k keys) fields() string                { return string(k) + "fields" }
func (k keys) dict(position int) string      { return string(k) + "dict:" + strconv.Itoa(position) }
func (k keys) rows(block int) string         { return string(k) + "rows:" + strconv.Itoa(block) }
func (k keys) ids(block int) string          { return string(k) + "ids:" + strconv.Itoa(block) }
func (k keys) model(expansion string) string { return string(k) + "model:" + expansion }

func (k keys) segment(segment string, chunk int) string {
	return string(k) + "seg:" + segment + ":" + strconv.Itoa(chunk)
}

func (k keys) published(expansion string, block int) string {
	return string(k) + "pub:" + expansion + ":" + strconv.Itoa(block)
}

// all returns every key of the cache that a meta describes, but the meta's own.
func (k keys) all(m *Meta) []string {
	list := []string{k.fields()}
	for position := range mostFields {
		list = append(list, k.dict(position))
	}
	for block := range blocksOf(m.Rows) {
		list = append(list, k.rows(block), k.ids(block))
	}
	for _, name := range sortedKeys(m.Segments) {
		for _, chunk := range listed(m.Segments[name].Chunks) {
			list = append(list, k.segment(name, chunk))
		}
	}
	for _, name := range sortedKeys(m.published) {
		for _, block := range listed(m.published[name].Blocks) {
			list = append(list, k.published(name, block))
		}
	}
	for _, name := range sortedKeys(m.models) {
		list = append(list, k.model(name))
	}
	return list
}

// of returns the key that an op changes.
func (k keys) of(o *op) string {
	switch o.of {
	case rowsFamily:
		return k.rows(o.number)
	case idsFamily:
		return k.ids(o.number)
	case chunksFamily:
		return k.segment(o.name, o.number)
	case statesFamily:
		return k.published(o.name, o.number)
	case modelsFamily:
		return k.model(o.name)
	case fieldsFamily:
		return k.fields()
	}
	return k.dict(o.number)
}

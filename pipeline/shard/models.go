package shard

import (
	"fmt"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// applyModel lets a model decide from now on and starts the pass that publishes what it changes: none where it decides as the one
// before did. Applying the same model again, or an older one, does nothing.
func (o *Owner) applyModel(r *wire.Record) error {
	if err := schemas.CheckFormat(r.Headers, schemas.CrossedFormat, schemas.DefinitionFormat); err != nil {
		return err
	}
	if r.Value == nil {
		return nil // nothing happens because something is absent: a deletion is a record of its own
	}
	if o.backlog.overtaken(modelsInput, r.Key, 0) {
		return nil
	}
	id := string(r.Key)
	if err := schemas.ValidExpansionID(id); err != nil {
		return err
	}
	m, err := model.DecodeOnce(r.Value)
	if err != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: fmt.Sprintf("a model cannot be read: %v", err)}
	}
	o.backlog.tell(modelsInput, r.Key, 0)
	old := o.expansions[id]
	if old != nil && m.Epoch <= old.model.Epoch {
		return nil
	}
	if err := o.needs(m.Definition.Segments()); err != nil {
		return err
	}
	e := o.adopt(id, m, r.Offset)
	if p := e.progress; p.Epoch != m.Epoch { // else this pass was begun before, and its progress was saved or read back
		*p = cache.Progress{Epoch: m.Epoch, RunID: m.RunID}
	}
	if old != nil && o.reconciled(id) && m.DecidesLike(old.model.Model) {
		e.table, e.folded = old.table, old.folded
		e.progress.PassOf = o.mirror.Rows()/cache.BlockRows + 1
		o.settle(e)
		return nil
	}
	by := byRun
	if m.Deleted {
		by = byDelete
	}
	o.modelPass(e, r.Offset, cause{by, modelsInput, r.Offset, m.StartedAt.UnixMilli()})
	return nil
}

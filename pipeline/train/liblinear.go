package train

// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/linear_models"
)

// liblinear is shared by the whole process: golearn hooks its printing anew at each fit and may set the C locale.
// Whoever fits holds this; fits of one holder may run side by side, since training itself shares nothing.
var liblinear sync.Mutex

// silence keeps liblinear's iterations from standard output. golearn prints them through a logger that is only its own.
func silence() { base.Logger.SetOutput(io.Discard) }

// What follows mirrors liblinear's linear.h, as the pinned golearn compiles it. golearn hides these behind unexported
// fields; the layouts of problem and parameter are compared with golearn's own before they are used.
type (
	node struct {
		index int32 // column from 1; -1 ends the row
		value float64
	}
	problem struct {
		l, n int32 // rows, columns
		y    *float64
		x    **node
		bias float64 // below 0: no column of its own
	}
	parameter struct {
		solver      int32
		eps, c      float64
		weights     int32
		weightLabel *int32
		weight      *float64
		p           float64
	}
	model struct {
		parameter parameter
		classes   int32
		columns   int32
		w         *float64
		label     *int32
		bias      float64
	}
)

const (
	sourceLabel     = 1
	backgroundLabel = -1
)

// matrix holds rows as liblinear reads them, source members first: a row is a node for each level that counts, one for the
// intercept, and an end. It lies outside of the Go heap, where C may keep pointers from one array to another.
type matrix struct {
	nodes  unsafe.Pointer
	rows   unsafe.Pointer // **node: where each row begins
	labels unsafe.Pointer // *float64

	source, len, columns int
}

// newMatrix writes rows in their order, as a design has them, each column times its scale. The first ones are source members.
func newMatrix(rows [][]uint8, source int, d *design, scales []float64) *matrix {
	width := d.width() + 1
	m := &matrix{source: source, len: len(rows), columns: d.intercept + 1}
	m.nodes = C.malloc(C.size_t(len(rows)*width) * C.size_t(unsafe.Sizeof(node{})))
	m.rows = emptyPointers(len(rows))
	m.labels = C.malloc(C.size_t(len(rows)) * C.size_t(unsafe.Sizeof(float64(0))))
	nodes := unsafe.Slice((*node)(m.nodes), len(rows)*width)
	pointers := unsafe.Slice((**node)(m.rows), len(rows))
	labels := unsafe.Slice((*float64)(m.labels), len(rows))
	part := len(rows)/runtime.GOMAXPROCS(0) + 1
	var group sync.WaitGroup
	for from := 0; from < len(rows); from += part {
		group.Go(func() {
			for i := from; i < min(from+part, len(rows)); i++ {
				into := nodes[i*width : (i+1)*width]
				writeRow(into, rows[i], d, scales)
				pointers[i], labels[i] = &into[0], backgroundLabel
				if i < source {
					labels[i] = sourceLabel
				}
			}
		})
	}
	group.Wait()
	return m
}

// writeRow writes the columns of a row, which count from 1 there. There are millions in a fit, so none costs a call.
func writeRow(into []node, row []uint8, d *design, scales []float64) {
	used := 0
	write := func(columns []column, value float64) {
		for _, c := range columns {
			into[used] = node{c.number + 1, value * c.value * scales[c.number]}
			used++
		}
	}
	for f, level := range row {
		if level != None {
			write(d.fields[f][level], 1)
		}
	}
	for i := range d.crosses {
		if cell := d.cell(d.crosses[i].fields, row); cell >= 0 {
			write(d.crosses[i].columns[cell], d.value)
		}
	}
	into[used] = node{d.next() + 1, scales[d.intercept]}
	into[used+1] = node{-1, 0}
}

func (m *matrix) free() {
	C.free(m.nodes)
	C.free(m.rows)
	C.free(m.labels)
}

// emptyPointers returns room for pointers outside of the Go heap. It is zero: while the collector runs, it looks at what a
// pointer that is written over was, and ends the process when that is what malloc happened to find there.
func emptyPointers(n int) unsafe.Pointer {
	return C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof((*node)(nil))))
}

// fit returns the weight of every column, the intercept's last. It ends when the gradient has fallen to precision, a share of
// what it was at first. The caller holds liblinear.
func (d *design) fit(rows [][]uint8, source int, c, precision float64) ([]float64, error) {
	scales := d.scales(rows, source, c)
	m := newMatrix(rows, source, d, scales)
	defer m.free()
	weights, err := m.fit(c, precision)
	for column := range weights {
		weights[column] *= scales[column]
	}
	return weights, err
}

// fit returns the weights of the columns as they are scaled.
func (m *matrix) fit(c, precision float64) ([]float64, error) {
	trained, err := m.train(c, precision)
	if err != nil {
		return nil, err
	}
	return weightsOf(trained, m.columns)
}

// steepest bounds how much more than the penalty the rows ask of a column, by the second derivatives where all weights are 0.
const steepest = 100

// scales returns what to multiply the columns by, so that those of many rows are no steeper than that: liblinear's conjugate
// gradients take the more steps, the more unlike columns are. It holds their weights down by a hundredth or two, as the
// penalty of a scaled column is one of a weight that is larger.
func (d *design) scales(rows [][]uint8, source int, c float64) []float64 {
	scales := make([]float64, d.intercept+1)
	curvature := c / 4
	put := func(columns []column, sum, value float64) {
		for _, c := range columns {
			scales[c.number] += sum * (value * c.value) * (value * c.value)
		}
	}
	levels, cells := make([][256]float64, len(d.fields)), make([][]float64, len(d.crosses))
	for x := range cells {
		cells[x] = make([]float64, len(d.crosses[x].columns))
	}
	for i, row := range rows {
		if i == source { // the background as a whole weighs as much
			curvature *= float64(source) / float64(len(rows)-source)
		}
		for f, level := range row {
			levels[f][level] += curvature
		}
		for x := range cells {
			if cell := d.cell(d.crosses[x].fields, row); cell >= 0 {
				cells[x][cell] += curvature
			}
		}
		scales[d.intercept] += curvature
	}
	for f := range levels {
		for level, columns := range d.fields[f] {
			put(columns, levels[f][level], 1)
		}
	}
	for x := range cells {
		for cell, columns := range d.crosses[x].columns {
			put(columns, cells[x][cell], d.value)
		}
	}
	for column, steep := range scales {
		scales[column] = 1
		if steep > steepest {
			scales[column] = math.Sqrt(steepest / steep)
		}
	}
	return scales
}

// train returns a model, which is the caller's to free. The background as a whole weighs as much as the source.
func (m *matrix) train(c, precision float64) (*linear_models.Model, error) {
	theirProblem := linear_models.NewProblem([][]float64{{0}}, []float64{0}, 0)
	// liblinear multiplies eps by the share of the rarer class, which would fit a small source needlessly finely.
	eps := precision * float64(m.len) / float64(min(m.source, m.len-m.source))
	theirParameter := linear_models.NewParameter(linear_models.L2R_LR, c, eps)
	p, err := reach[problem](theirProblem)
	if err != nil {
		return nil, err
	}
	param, err := reach[parameter](theirParameter)
	if err != nil {
		return nil, err
	}

	class := (*struct { // outside of the Go heap, as all that the C structs point to
		weight float64
		label  int32
	})(C.malloc(16))
	defer C.free(unsafe.Pointer(class))
	class.label, class.weight = backgroundLabel, float64(m.source)/float64(m.len-m.source)
	param.weights, param.weightLabel, param.weight = 1, &class.label, &class.weight

	*p = problem{int32(m.len), int32(m.columns), (*float64)(m.labels), (**node)(m.rows), -1}
	return linear_models.Train(theirProblem, theirParameter), nil
}

// weightsOf copies the weights out of a trained model and frees it. It reads them where they are: golearn's Export
// writes a file, leaves digits out and sets the process's locale meanwhile.
func weightsOf(trained *linear_models.Model, columns int) ([]float64, error) {
	if reflect.TypeOf(*trained).Size() != unsafe.Sizeof((*model)(nil)) {
		return nil, errOtherLayout
	}
	m := *(**model)(unsafe.Pointer(trained))
	defer C.free(unsafe.Pointer(m))
	defer C.free(unsafe.Pointer(m.label))
	defer C.free(unsafe.Pointer(m.w))
	if m.classes != 2 || int(m.columns) != columns {
		return nil, fmt.Errorf("liblinear trained %d classes over %d columns, want 2 over %d", m.classes, m.columns, columns)
	}
	w := slices.Clone(unsafe.Slice(m.w, columns))
	if *m.label != sourceLabel { // then its weights speak for the background
		for i := range w {
			w[i] = -w[i]
		}
	}
	return w, nil
}

var errOtherLayout = errors.New("golearn's liblinear is not the version that package train knows")

// reach returns the C struct inside one of golearn's: its first and only field, unexported. A mirror with another layout
// is refused.
func reach[Mirror, Golearn any](of *Golearn) (*Mirror, error) {
	outer, mirror := reflect.TypeFor[Golearn](), reflect.TypeFor[Mirror]()
	if outer.NumField() != 1 || !alike(outer.Field(0).Type, mirror) {
		return nil, errOtherLayout
	}
	return (*Mirror)(unsafe.Pointer(of)), nil
}

// alike reports whether two structs have fields of the same kinds at the same places. cgo may add nameless padding.
func alike(a, b reflect.Type) bool {
	if a.Kind() != reflect.Struct || a.Size() != b.Size() {
		return false
	}
	next := 0
	for i := range a.NumField() {
		field := a.Field(i)
		if field.Name == "_" {
			continue
		}
		if next == b.NumField() {
			return false
		}
		if mine := b.Field(next); mine.Offset != field.Offset || mine.Type.Kind() != field.Type.Kind() {
			return false
		}
		next++
	}
	return next == b.NumField()
}

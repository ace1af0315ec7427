# Throughput and latency over the number of connections, as one SVG.
#
#     gnuplot -e 'points="FILE"; picture="FILE"' plot.gp
#
# Columns: connections; then for Redis and for dedupd each requests a second
# (median, least, most) and p99 in milliseconds (median, least, most).

# A background of its own: readable wherever the page's is light or dark.
set terminal svg size 800,720 font "sans-serif,14" background rgb "#ffffff"
set output picture

set multiplot layout 2,1 margins 0.10,0.97,0.09,0.93 spacing 0.13
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set grid ytics linecolor rgb "#dddddd" linetype 1
set logscale x
set xrange [0.85:590]
set xtics (1, 2, 5, 10, 20, 50, 100, 200, 500)
set linetype 1 linecolor rgb "#c1440e" linewidth 2 pointtype 7 pointsize 0.7
set linetype 2 linecolor rgb "#1f5fa8" linewidth 2 pointtype 5 pointsize 0.7
set bars 0.6

set title "fresh CLAIM: requests a second"
set key top left reverse Left samplen 2
set yrange [0:*]
set ytics format "%.0f k"
plot points using 1:($2/1000):($3/1000):($4/1000) \
         with yerrorbars linetype 1 linewidth 1 notitle, \
     points using 1:($2/1000) with linespoints linetype 1 title "Redis", \
     points using 1:($8/1000):($9/1000):($10/1000) \
         with yerrorbars linetype 2 linewidth 1 notitle, \
     points using 1:($8/1000) with linespoints linetype 2 title "dedupd"

set title "fresh CLAIM: p99 latency"
set xlabel "connections, each with one request at a time"
set logscale y
set key bottom right
set yrange [*:*]
set ytics format "%g ms"
plot points using 1:5:6:7 with yerrorbars linetype 1 linewidth 1 notitle, \
     points using 1:5 with linespoints linetype 1 title "Redis", \
     points using 1:11:12:13 with yerrorbars linetype 2 linewidth 1 notitle, \
     points using 1:11 with linespoints linetype 2 title "dedupd"
unset multiplot

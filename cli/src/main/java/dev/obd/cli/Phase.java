package dev.obd.cli;

/**
 * One start of the program, measured from the first request for the image to the program's end.
 *
 * @param name what the start was
 * @param millis how long it took
 * @param requests over the link, the image's manifest and configuration included
 * @param bytes fetched over the link
 * @param wasted bytes fetched ahead that the program never read, in whole cache units
 * @param output the program's last line: the same bytes must give the same line
 */
record Phase(String name, long millis, long requests, long bytes, long wasted, String output) {}
